//! `peergate_decisions_total`: how often each rule and each reason decided.
//!
//! A proxy-wasm counter has a name and no labels. Istio's proxies take labels out of names, by a
//! stats tag `T` with the pattern `(T=\.=(.*?);\.;)`, so the name carries four in that form. What
//! they can say is bounded by the policy: a proxy keeps a counter for good, and no request must be
//! able to make one.

use std::cell::Cell;

use policy_schema::engine::{CompiledPolicy, CompiledRule, Outcome, Reason};
use policy_schema::plugin_config::{METRIC_TAGS, PolicyName};
use policy_schema::rule_spec::{Effect, Enforcement, Otherwise};
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::host::{CounterId, Host};

/// Stands for the rule where none decided: no rule can have this id.
const NO_RULE: &str = "-";

/// The reason of a rule that decides nothing.
const MATCHED: &str = "matched-by-rule";

thread_local! {
    /// Every counter of the VM. Defining a name again would give it one more id, and the proxy one
    /// more entry for good, with each change of the configuration.
    static DEFINED: Cell<FxHashMap<String, CounterId>> =
        const { Cell::new(FxHashMap::with_hasher(FxBuildHasher)) };
}

/// The counters of a policy. One that the proxy refused to define is not counted.
#[derive(Debug)]
pub struct Counters {
    /// By the rules' positions.
    rules: Vec<RuleCounters>,
    malformed_identity: Option<CounterId>,
    foreign_trust_domain: Option<CounterId>,
    no_identity: Option<CounterId>,
    no_rule_matched: Option<CounterId>,
    not_denied: Option<CounterId>,
}

/// One for each thing that a rule can bring about.
#[derive(Debug)]
struct RuleCounters {
    matched: Option<CounterId>,
    expired: Option<CounterId>,
    not_yet_valid: Option<CounterId>,
}

impl Counters {
    /// Defines the counters of a policy.
    pub fn define(policy: &CompiledPolicy, host: &impl Host) -> Self {
        let counter = |reason: Reason<'_>| define(&counter_of_reason(policy, reason), host);
        let of_rule = |rule| RuleCounters {
            matched: define(&counter_of_match(policy, rule), host),
            expired: can_expire(rule)
                .then(|| counter(Reason::ExpiredRule(rule)))
                .flatten(),
            not_yet_valid: can_be_early(rule)
                .then(|| counter(Reason::RuleNotYetValid(rule)))
                .flatten(),
        };
        // What no rule decides is either denied for lack of one, or passes.
        let if_denied = |reason| (policy.otherwise() == Otherwise::Deny).then(|| counter(reason));
        let if_passed = |reason| (policy.otherwise() == Otherwise::Pass).then(|| counter(reason));
        Self {
            rules: policy.rules().iter().map(of_rule).collect(),
            malformed_identity: counter(Reason::MalformedIdentity),
            foreign_trust_domain: counter(Reason::ForeignTrustDomain),
            no_identity: if_denied(Reason::NoIdentity).flatten(),
            no_rule_matched: if_denied(Reason::NoRuleMatched).flatten(),
            not_denied: if_passed(Reason::NotDenied).flatten(),
        }
    }

    /// Counts a decision.
    pub fn count(&self, reason: Reason<'_>, host: &impl Host) {
        let of_rule = |rule: &CompiledRule| self.rules.get(rule.position());
        let counter = match reason {
            Reason::AllowedByRule(rule) | Reason::DeniedByRule(rule) => {
                of_rule(rule).and_then(|counters| counters.matched)
            }
            Reason::ExpiredRule(rule) => of_rule(rule).and_then(|counters| counters.expired),
            Reason::RuleNotYetValid(rule) => {
                of_rule(rule).and_then(|counters| counters.not_yet_valid)
            }
            Reason::NotDenied => self.not_denied,
            Reason::NoIdentity => self.no_identity,
            Reason::MalformedIdentity => self.malformed_identity,
            Reason::ForeignTrustDomain => self.foreign_trust_domain,
            Reason::NoRuleMatched => self.no_rule_matched,
        };
        if let Some(counter) = counter {
            host.increment_counter(counter);
        }
    }

    /// Counts a match of a rule that is only recorded.
    pub fn count_match(&self, rule: &CompiledRule, host: &impl Host) {
        let counters = self.rules.get(rule.position());
        if let Some(counter) = counters.and_then(|counters| counters.matched) {
            host.increment_counter(counter);
        }
    }
}

// Only of `Allow` rules that are enforced does the engine say that they do not apply.

fn can_expire(rule: &CompiledRule) -> bool {
    can_lapse(rule) && rule.validity().not_after.is_some()
}

fn can_be_early(rule: &CompiledRule) -> bool {
    can_lapse(rule) && rule.validity().not_before.is_some()
}

fn can_lapse(rule: &CompiledRule) -> bool {
    rule.effect() == Effect::Allow && !rule.is_shadow()
}

/// The one id of the counter with this name.
fn define(name: &str, host: &impl Host) -> Option<CounterId> {
    let mut defined = DEFINED.take();
    let counter = defined.get(name).copied().or_else(|| {
        let counter = host.define_counter(name)?;
        defined.insert(name.to_owned(), counter);
        Some(counter)
    });
    DEFINED.set(defined);
    counter
}

fn counter_of_reason(policy: &CompiledPolicy, reason: Reason<'_>) -> String {
    let effect = match reason.outcome() {
        Outcome::Allowed => "allow",
        Outcome::Denied => "deny",
    };
    let is_shadow = policy.enforcement() == Enforcement::Shadow;
    counter_name(policy, reason.rule(), is_shadow, effect, reason.code())
}

fn counter_of_match(policy: &CompiledPolicy, rule: &CompiledRule) -> String {
    let (effect, reason) = match rule.effect() {
        Effect::Allow => ("allow", Reason::AllowedByRule(rule).code()),
        Effect::Deny => ("deny", Reason::DeniedByRule(rule).code()),
        Effect::Audit => ("audit", MATCHED),
        Effect::Custom => ("custom", MATCHED),
    };
    let is_shadow = policy.enforcement() == Enforcement::Shadow || rule.is_shadow();
    counter_name(policy, Some(rule), is_shadow, effect, reason)
}

fn counter_name(
    policy: &CompiledPolicy,
    rule: Option<&CompiledRule>,
    is_shadow: bool,
    effect: &str,
    reason: &str,
) -> String {
    let [of_policy, of_rule, of_effect, of_reason] = METRIC_TAGS;
    format!(
        "peergate_decisions_total\
         .{of_policy}=.={};.;\
         {of_rule}=.={};.;\
         {of_effect}=.={}{effect};.;\
         {of_reason}=.={reason};.;",
        policy_label(rule.map_or(policy.name(), CompiledRule::policy)),
        rule.map_or(NO_RULE, CompiledRule::id),
        if is_shadow { "shadow_" } else { "" },
    )
}

/// `NAMESPACE_NAME` with `_` for each dot of the name. Neither has a `_` of its own, and the
/// namespace has no dot, so no two policies share a label.
fn policy_label(policy: &PolicyName) -> String {
    [&*policy.namespace, "_", &policy.name.replace('.', "_")].concat()
}

/// As in a new VM.
#[cfg(test)]
pub(crate) fn forget_counters() {
    DEFINED.take();
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::fake_host::{ADMIN, FakeHost, WEB, config, enforcer};

    fn rules() -> Value {
        json!([
            {"id": "web", "effect": "Allow", "notBefore": "2020-01-01T00:00:00Z",
             "notAfter": "2030-01-01T00:00:00Z", "from": [{"serviceAccounts": ["web"]}]},
            {"id": "no-admin", "effect": "Deny", "notAfter": "2030-01-01T00:00:00Z",
             "from": [{"serviceAccounts": ["admin"]}]},
            {"id": "trial", "effect": "Deny", "enforcement": "Shadow",
             "from": [{"serviceAccounts": ["web"]}]},
        ])
    }

    fn counted(config: &Value, host: &FakeHost) -> Vec<(String, u64)> {
        enforcer(config, host).enforce(host);
        host.counted()
    }

    fn once(labels: &[&str]) -> Vec<(String, u64)> {
        labels
            .iter()
            .map(|labels| ((*labels).to_owned(), 1))
            .collect()
    }

    #[test]
    fn names_carry_the_four_labels_in_istios_form() {
        let host = FakeHost::anonymous();
        let mut config = config(&json!([{"id": "web", "effect": "Deny"}]));
        config["policy"]["name"] = "orders.v1".into();
        enforcer(&config, &host);
        assert_eq!(
            *host.defined.borrow().first().unwrap(),
            "peergate_decisions_total.peergate_policy=.=shop_orders_v1;.;peergate_rule=.=web;.;\
             peergate_effect=.=deny;.;peergate_reason=.=denied-by-rule;.;"
        );
    }

    #[test]
    fn only_what_a_rule_can_lead_to_has_a_counter() {
        let host = FakeHost::anonymous();
        enforcer(&config(&rules()), &host);
        // Three of `web`, one each of the others, four without a rule.
        assert_eq!(host.defined.borrow().len(), 9);
        let defined = host.defined.borrow().join("\n");
        assert!(
            defined
                .contains("rule=.=web;.;peergate_effect=.=deny;.;peergate_reason=.=expired-rule")
        );
        assert!(
            !defined
                .contains("rule=.=no-admin;.;peergate_effect=.=deny;.;peergate_reason=.=expired")
        );
    }

    #[test]
    fn label_values_have_no_character_that_a_stats_tag_could_trip_over() {
        let host = FakeHost::anonymous();
        enforcer(&config(&rules()), &host);
        for name in host.defined.borrow().iter() {
            let (_, labels) = name.split_once('.').unwrap();
            for label in labels.split_terminator(";.;") {
                let (tag, value) = label.split_once("=.=").unwrap();
                let is_plain = |text: &str| {
                    text.bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
                };
                assert!(
                    is_plain(tag) && is_plain(value) && !value.is_empty(),
                    "{label}"
                );
            }
        }
    }

    #[test]
    fn each_decision_counts_once_and_each_shadow_match_too() {
        let during = |host: FakeHost| host.at("2026-01-01T00:00:00Z");
        let config = config(&rules());
        assert_eq!(
            counted(&config, &during(FakeHost::with_uri_sans(&[WEB]))),
            once(&[
                "trial shadow_deny denied-by-rule",
                "web allow allowed-by-rule"
            ])
        );
        assert_eq!(
            counted(&config, &during(FakeHost::with_uri_sans(&[ADMIN]))),
            once(&["no-admin deny denied-by-rule"])
        );
        assert_eq!(
            counted(
                &config,
                &FakeHost::with_uri_sans(&[WEB]).at("2031-01-01T00:00:00Z")
            ),
            once(&["trial shadow_deny denied-by-rule", "web deny expired-rule"])
        );
        assert_eq!(
            counted(
                &config,
                &FakeHost::with_uri_sans(&[WEB]).at("2019-01-01T00:00:00Z")
            ),
            once(&[
                "trial shadow_deny denied-by-rule",
                "web deny rule-not-yet-valid"
            ])
        );
        assert_eq!(
            counted(&config, &FakeHost::anonymous()),
            once(&["- deny no-identity"])
        );
    }

    #[test]
    fn a_policy_in_shadow_counts_what_it_would_do() {
        let mut config = config(&json!([
            {"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}]},
        ]));
        config["enforcement"] = "Shadow".into();
        assert_eq!(
            counted(&config, &FakeHost::with_uri_sans(&[WEB])),
            once(&["web shadow_allow allowed-by-rule"])
        );
        assert_eq!(
            counted(&config, &FakeHost::with_uri_sans(&[ADMIN])),
            once(&["- shadow_deny no-rule-matched"])
        );
    }

    #[test]
    fn a_configuration_that_comes_again_defines_nothing() {
        let host = FakeHost::anonymous();
        let config = config(&rules()).to_string();
        enforcer(&serde_json::from_str(&config).unwrap(), &host);
        let defined = host.defined.borrow().len();
        crate::enforcer::Enforcer::new(config.as_bytes(), &host).unwrap();
        assert_eq!(host.defined.borrow().len(), defined);
    }

    #[test]
    fn without_counters_decisions_are_made_all_the_same() {
        let host = FakeHost::anonymous().refusing_counters();
        assert_eq!(counted(&config(&rules()), &host), []);
        assert_eq!(host.replies.borrow().len(), 1);
    }

    #[test]
    fn rules_that_only_record_have_effects_of_their_own() {
        let config = config(&json!([
            {"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}]},
            {"id": "seen", "effect": "Audit"},
            {"id": "asked", "effect": "Custom", "provider": "opa"},
            {"id": "trial", "effect": "Audit", "enforcement": "Shadow"},
        ]));
        assert_eq!(
            counted(&config, &FakeHost::with_uri_sans(&[WEB])),
            once(&[
                "asked custom matched-by-rule",
                "seen audit matched-by-rule",
                "trial shadow_audit matched-by-rule",
                "web allow allowed-by-rule",
            ])
        );
    }
}
