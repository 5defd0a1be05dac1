//! A naive implementation of the rules: it tries every rule, parses every pattern anew, and uses
//! nothing from the crate except the types of the documents.

mod caller;
mod condition;
mod field;
mod host;
mod operation;
mod source;
mod text;

use peergate_tests::random::{TestRequest, time};
use policy_schema::plugin_config::PluginConfig;
use policy_schema::rule_spec::{Effect, Enforcement, Otherwise, RuleSpec};

use caller::{Caller, outside_names, read_id, trust_domains};
use condition::condition_matches;
use operation::to_matches;
use source::from_matches;

/// The expected result. Rules are named as `POLICY/ID`.
#[derive(Debug, PartialEq)]
pub(crate) struct ExpectedDecision {
    pub(crate) code: &'static str,
    pub(crate) passes: bool,
    pub(crate) rule: Option<String>,
    pub(crate) recorded: Vec<String>,
}

/// A rule with the relevant settings of its policy.
struct Written<'c> {
    name: String,
    rule: &'c RuleSpec,
    policy_is_shadow: bool,
}

pub(crate) fn outcome(config: &PluginConfig, asked: &TestRequest) -> ExpectedDecision {
    let leading = (
        &config.policy,
        config.enforcement,
        config.otherwise,
        &config.rules,
    );
    let co_enforced = config.co_enforced.iter().map(|policy| {
        (
            &policy.policy,
            policy.enforcement,
            policy.otherwise,
            &policy.rules,
        )
    });
    let policies: Vec<_> = std::iter::once(leading).chain(co_enforced).collect();
    let all_are_shadow = policies
        .iter()
        .all(|(_, enforcement, ..)| *enforcement == Enforcement::Shadow);
    let has_say = |enforcement: Enforcement| all_are_shadow || enforcement == Enforcement::Enforce;
    let passes_otherwise = policies
        .iter()
        .filter(|(_, enforcement, ..)| has_say(*enforcement))
        .all(|(.., otherwise, _)| *otherwise == Otherwise::Pass);
    let rules: Vec<Written<'_>> = policies
        .iter()
        .flat_map(|(policy, enforcement, _, rules)| {
            rules.iter().map(|rule| Written {
                name: format!("{}/{}", policy.name, rule.id),
                rule,
                policy_is_shadow: !has_say(*enforcement),
            })
        })
        .collect();
    let of_reason = |code| ExpectedDecision {
        code,
        passes: all_are_shadow,
        rule: None,
        recorded: Vec::new(),
    };
    let mesh = trust_domains(config);
    let at_gateways = [config.at_gateway];
    let at_gateways: Vec<_> = at_gateways
        .into_iter()
        .chain(config.co_enforced.iter().map(|policy| policy.at_gateway))
        .collect();
    // A policy with `otherwise: Pass` that also applies to other workloads denies them.
    let accepts_outsiders = at_gateways.contains(&true)
        && policies
            .iter()
            .zip(&at_gateways)
            .all(|((_, enforcement, otherwise, _), at_gateway)| {
                !has_say(*enforcement) || *at_gateway || *otherwise == Otherwise::Deny
            });
    let id = asked.peer.as_deref().map(read_id);
    let is_of_mesh = matches!(&id, Some(Some(id)) if mesh.contains(&id.trust_domain));
    let names = asked.certificate.as_ref();
    let outside = names.and_then(|names| outside_names(names, &mesh));
    let caller = match (id, outside) {
        _ if asked.is_unvalidated => Caller::Anonymous,
        (_, Some(names)) if accepts_outsiders && !is_of_mesh => Caller::Outside(names),
        (None, _) => Caller::Anonymous,
        (Some(None), _) => return of_reason("malformed-identity"),
        (Some(Some(id)), _) if is_of_mesh => Caller::Workload(id),
        (Some(Some(_)), _) => return of_reason("foreign-trust-domain"),
    };
    let caller = &caller;
    let matches =
        |written: &Written<'_>| {
            let rule = written.rule;
            from_matches(config, rule, caller, asked)
                && to_matches(rule, asked)
                && rule.when.iter().flatten().all(|condition| {
                    condition_matches(config, rule.effect, condition, caller, asked)
                })
        };
    let is_shadow = |written: &Written<'_>| {
        written.policy_is_shadow || written.rule.enforcement == Some(Enforcement::Shadow)
    };
    let first = |effect: Effect, applies_now: bool| {
        rules.iter().find(|written| {
            !is_shadow(written)
                && written.rule.effect == effect
                && is_now(written.rule, asked) == applies_now
                && matches(written)
        })
    };
    let recorded = rules.iter().filter(|written| {
        let has_no_say = matches!(written.rule.effect, Effect::Audit | Effect::Custom);
        (is_shadow(written) || has_no_say) && is_now(written.rule, asked) && matches(written)
    });
    let recorded = recorded.map(|written| written.name.clone()).collect();

    let (code, rule) = if let Some(rule) = first(Effect::Deny, true) {
        ("denied-by-rule", Some(rule))
    } else if let Some(rule) = first(Effect::Allow, true) {
        ("allowed-by-rule", Some(rule))
    } else if passes_otherwise {
        ("not-denied", None)
    } else if let Some(rule) = first(Effect::Allow, false) {
        let is_over = end(rule.rule).is_some_and(|end| asked.now >= end);
        let code = if is_over {
            "expired-rule"
        } else {
            "rule-not-yet-valid"
        };
        (code, Some(rule))
    } else if asked.is_unvalidated {
        ("unvalidated-certificate", None)
    } else if matches!(caller, Caller::Anonymous) {
        ("no-identity", None)
    } else {
        ("no-rule-matched", None)
    };
    ExpectedDecision {
        code,
        passes: all_are_shadow || ["allowed-by-rule", "not-denied"].contains(&code),
        rule: rule.map(|written| written.name.clone()),
        recorded,
    }
}

fn end(rule: &RuleSpec) -> Option<u64> {
    rule.not_after.as_deref().map(time)
}

fn is_now(rule: &RuleSpec, asked: &TestRequest) -> bool {
    rule.not_before
        .as_deref()
        .is_none_or(|start| time(start) <= asked.now)
        && end(rule).is_none_or(|end| asked.now < end)
}
