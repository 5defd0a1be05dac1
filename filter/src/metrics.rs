//! `peergate_decisions_total`: how often each rule and each reason decided.
//!
//! A proxy-wasm counter has a name and no labels. Istio's proxies take labels out of names, by a
//! stats tag `T` with the pattern `(T=\.=(.*?);\.;)`, so the name carries four in that form. What
//! they can say is bounded by the policy: the proxy keeps a counter for good, and a request must
//! not be able to make one.

use std::cell::Cell;

use policy_schema::engine::{CompiledPolicy, CompiledRule, Decision, Reason};
use policy_schema::plugin_config::PolicyName;
use policy_schema::rule_spec::{Effect, Enforcement};
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::host::{CounterId, Host};

/// The rule of a decision that no rule made: no rule can have this id.
const NO_RULE: &str = "-";

thread_local! {
    /// Every counter of the VM. To define a name again would give it one more id, and the proxy
    /// one more entry, with each change of configuration.
    static DEFINED: Cell<FxHashMap<String, CounterId>> =
        const { Cell::new(FxHashMap::with_hasher(FxBuildHasher)) };
}

/// The counters of a policy. One that the proxy refused is not counted.
#[derive(Debug)]
pub struct Counters {
    /// In the order of the policy's rules.
    rules: Box<[RuleCounters]>,
    no_identity: Option<CounterId>,
    malformed_identity: Option<CounterId>,
    foreign_trust_domain: Option<CounterId>,
    no_rule_matched: Option<CounterId>,
}

/// The counters of what a rule can lead to.
#[derive(Debug)]
struct RuleCounters {
    matched: Option<CounterId>,
    expired: Option<CounterId>,
    not_yet_valid: Option<CounterId>,
}

impl Counters {
    /// Defines the counters of a policy. `is_limited` says of each of its rules whether there are
    /// times at which it does not apply.
    pub fn define(policy: &CompiledPolicy, is_limited: &[bool], host: &impl Host) -> Self {
        let name = policy_label(policy.name());
        let counter = |rule: Option<&CompiledRule>, effect, reason: &str| {
            let is_shadow = policy.enforcement() == Enforcement::Shadow
                || rule.is_some_and(CompiledRule::is_shadow);
            let rule = rule.map_or(NO_RULE, CompiledRule::id);
            let effect = effect_label(effect, is_shadow);
            define(
                host,
                format!(
                    "peergate_decisions_total.peergate_policy=.={name};.;\
                     peergate_rule=.={rule};.;\
                     peergate_effect=.={effect};.;\
                     peergate_reason=.={reason};.;"
                ),
            )
        };
        let of_rule = |(number, rule): (usize, &CompiledRule)| {
            let can_lapse = rule.effect() == Effect::Allow
                && !rule.is_shadow()
                && is_limited.get(number).is_none_or(|is_limited| *is_limited);
            let lapsed = |reason| {
                can_lapse
                    .then(|| counter(Some(rule), Effect::Deny, reason))
                    .flatten()
            };
            RuleCounters {
                matched: counter(Some(rule), rule.effect(), matched_code(rule)),
                expired: lapsed(Reason::ExpiredRule(rule).code()),
                not_yet_valid: lapsed(Reason::RuleNotYetValid(rule).code()),
            }
        };
        let without_rule = |reason: Reason<'_>| counter(None, reason.effect(), reason.code());
        Self {
            rules: policy.rules().iter().enumerate().map(of_rule).collect(),
            no_identity: without_rule(Reason::NoIdentity),
            malformed_identity: without_rule(Reason::MalformedIdentity),
            foreign_trust_domain: without_rule(Reason::ForeignTrustDomain),
            no_rule_matched: without_rule(Reason::NoRuleMatched),
        }
    }

    /// Counts a decision by a policy with these rules.
    pub fn count(&self, decision: &Decision<'_>, rules: &[CompiledRule], host: &impl Host) {
        let counter = match decision.reason() {
            Reason::AllowedByRule(rule) | Reason::DeniedByRule(rule) => {
                self.rule(rule, rules).and_then(|of_rule| of_rule.matched)
            }
            Reason::ExpiredRule(rule) => self.rule(rule, rules).and_then(|of_rule| of_rule.expired),
            Reason::RuleNotYetValid(rule) => self
                .rule(rule, rules)
                .and_then(|of_rule| of_rule.not_yet_valid),
            Reason::NoIdentity => self.no_identity,
            Reason::MalformedIdentity => self.malformed_identity,
            Reason::ForeignTrustDomain => self.foreign_trust_domain,
            Reason::NoRuleMatched => self.no_rule_matched,
        };
        increment(counter, host);
    }

    /// Counts a match of a rule that is only recorded.
    pub fn count_shadow(&self, rule: &CompiledRule, rules: &[CompiledRule], host: &impl Host) {
        increment(
            self.rule(rule, rules).and_then(|of_rule| of_rule.matched),
            host,
        );
    }

    fn rule(&self, rule: &CompiledRule, rules: &[CompiledRule]) -> Option<&RuleCounters> {
        self.rules.get(rules.element_offset(rule)?)
    }
}

fn increment(counter: Option<CounterId>, host: &impl Host) {
    if let Some(counter) = counter {
        host.increment_counter(counter);
    }
}

fn define(host: &impl Host, name: String) -> Option<CounterId> {
    let mut defined = DEFINED.take();
    let counter = defined.get(&name).copied().or_else(|| {
        let counter = host.define_counter(&name)?;
        defined.insert(name, counter);
        Some(counter)
    });
    DEFINED.set(defined);
    counter
}

/// `NAMESPACE_NAME`, with `_` for each dot of the name: neither has an `_` of its own, and a
/// namespace has no dot.
fn policy_label(name: &PolicyName) -> String {
    format!("{}_{}", name.namespace, name.name.replace('.', "_"))
}

fn effect_label(effect: Effect, is_shadow: bool) -> &'static str {
    match (effect, is_shadow) {
        (Effect::Allow, false) => "allow",
        (Effect::Deny, false) => "deny",
        (Effect::Allow, true) => "shadow_allow",
        (Effect::Deny, true) => "shadow_deny",
    }
}

fn matched_code(rule: &CompiledRule) -> &'static str {
    match rule.effect() {
        Effect::Allow => Reason::AllowedByRule(rule).code(),
        Effect::Deny => Reason::DeniedByRule(rule).code(),
    }
}
