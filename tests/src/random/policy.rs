//! Policies with all features of the language.

mod condition;
mod operation;
mod source;
mod values;

use std::collections::BTreeMap;

use policy_schema::plugin_config::{
    ApiVersion, CoEnforcedPolicy, MeshIdentity, PluginConfig, PolicyName,
};
use policy_schema::reporting::ReportingSpec;
use policy_schema::rule_spec::{Effect, Enforcement, Otherwise, RuleSpec, SourceSpec};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::alphabet::TIMES;

use condition::condition;
use operation::operation;
use source::source;

/// A plugin config, sometimes with followers.
pub fn policy() -> impl Strategy<Value = PluginConfig> {
    let size = prop_oneof![3 => 0..5usize, 3 => 5..12usize, 1 => 12..=40usize];
    let co_enforced = vec(co_enforced(), 0..3).prop_map(|mut co_enforced| {
        for (number, policy) in co_enforced.iter_mut().enumerate() {
            policy.policy.name = format!("follower{number}");
        }
        co_enforced
    });
    let co_enforced = prop_oneof![3 => Just(Vec::new()), 1 => co_enforced];
    (part(size), co_enforced, 0..=2usize).prop_map(|(leading, mut co_enforced, aliases)| {
        let mut leading = leading;
        if aliases == 0 {
            // Patterns use domains 1 and 2; a mesh without the second only knows one.
            rename_second_domain(&mut leading.rules);
            co_enforced
                .iter_mut()
                .for_each(|policy| rename_second_domain(&mut policy.rules));
        }
        PluginConfig {
            api_version: ApiVersion::V1Alpha1,
            revision: None,
            mesh: MeshIdentity {
                trust_domain: "td1".to_owned(),
                trust_domain_aliases: ["td2", "td3"][..aliases]
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                gateways: Vec::new(),
            },
            policy: leading.policy,
            enforcement: leading.enforcement,
            reporting: ReportingSpec::default(),
            decision_key: None,
            otherwise: leading.otherwise,
            mesh_otherwise: leading.otherwise,
            rules: leading.rules,
            co_enforced,
            known_gateways: Vec::new(),
            at_gateway: leading.at_gateway,
            may_be_led: false,
        }
    })
}

fn co_enforced() -> impl Strategy<Value = CoEnforcedPolicy> {
    part(0..4usize)
}

fn part(size: impl Strategy<Value = usize>) -> impl Strategy<Value = CoEnforcedPolicy> {
    let rules = size.prop_flat_map(|size| vec(rule(), size));
    let enforcement = prop_oneof![
        5 => Just(Enforcement::Enforce),
        1 => Just(Enforcement::Shadow),
    ];
    let otherwise = prop_oneof![4 => Just(Otherwise::Deny), 1 => Just(Otherwise::Pass)];
    let at_gateway = prop_oneof![1 => Just(false), 1 => Just(true)];
    (rules, enforcement, otherwise, at_gateway).prop_map(
        |(mut rules, enforcement, otherwise, at_gateway)| {
            for (number, rule) in rules.iter_mut().enumerate() {
                if !at_gateway {
                    without_client_certificates(rule);
                }
                rule.id = format!("r{number}");
                if enforcement == Enforcement::Shadow {
                    rule.enforcement = rule.enforcement.filter(|own| *own == Enforcement::Shadow);
                }
                // With `otherwise: Pass`, an `Allow` rule has no effect.
                if otherwise == Otherwise::Pass
                    && rule.effect == Effect::Allow
                    && rule.enforcement != Some(Enforcement::Shadow)
                {
                    rule.effect = Effect::Deny;
                }
            }
            CoEnforcedPolicy {
                policy: PolicyName {
                    namespace: "a".to_owned(),
                    name: "model".to_owned(),
                },
                match_labels: BTreeMap::new(),
                at_gateway,
                enforcement,
                otherwise,
                rules,
            }
        },
    )
}

fn rename_second_domain(rules: &mut [RuleSpec]) {
    let rename = |values: &mut Vec<String>| {
        for value in values {
            *value = value.replace('2', "1");
        }
    };
    for rule in rules {
        for source in rule.from.iter_mut().flatten() {
            let lists = [
                &mut source.principals,
                &mut source.not_principals,
                &mut source.trust_domains,
                &mut source.not_trust_domains,
            ];
            lists.into_iter().flatten().for_each(rename);
        }
        for condition in rule.when.iter_mut().flatten() {
            if ["source.principal", "source.trustDomain"].contains(&&*condition.key) {
                let lists = [&mut condition.values, &mut condition.not_values];
                lists.into_iter().flatten().for_each(rename);
            }
        }
    }
}

/// A rule of any kind, without an ID.
fn rule() -> impl Strategy<Value = RuleSpec> {
    let effect = prop_oneof![
        12 => Just(Effect::Allow),
        2 => Just(Effect::Deny),
        1 => Just(Effect::Audit),
        1 => Just(Effect::Custom),
    ];
    let enforcement = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Enforcement::Shadow)),
        1 => Just(Some(Enforcement::Enforce)),
    ];
    let not_before = weighted(0.3, select(&TIMES[..]));
    let not_after = weighted(0.6, select(&TIMES[..3]));
    let times = (not_before, not_after);
    (effect, enforcement, times, matcher()).prop_map(
        |(effect, enforcement, (not_before, not_after), matcher)| {
            let is_custom = effect == Effect::Custom;
            let (not_before, not_after) = (
                // A rule that ends before it begins is rejected.
                not_before.filter(|&start| not_after.is_none_or(|end| start < end)),
                not_after,
            );
            let mut rule = RuleSpec {
                id: String::new(),
                effect,
                provider: is_custom.then(|| "opa".to_owned()),
                description: None,
                owner: None,
                not_before: not_before.filter(|_| !is_custom).map(str::to_owned),
                not_after: not_after.filter(|_| !is_custom).map(str::to_owned),
                enforcement,
                ..matcher
            };
            if is_custom {
                without_identities(&mut rule);
            }
            rule
        },
    )
}

/// The matchers of a rule: an `Allow` rule without ID that always applies.
pub fn matcher() -> impl Strategy<Value = RuleSpec> {
    let from = weighted(0.8, vec(source(), 1..4));
    let to = weighted(0.7, vec(operation(), 1..4));
    let when = weighted(0.3, vec(condition(), 1..3));
    (from, to, when).prop_map(|(from, to, mut when)| {
        let has_anonymous = from
            .iter()
            .flatten()
            .any(|source| source.anonymous == Some(true) || asks_for_certificate(source));
        if let (true, Some(conditions)) = (has_anonymous, &mut when) {
            conditions.retain(|condition| !is_about_identity(&condition.key));
        }
        RuleSpec {
            id: String::new(),
            effect: Effect::Allow,
            provider: None,
            description: None,
            owner: None,
            not_before: None,
            not_after: None,
            enforcement: None,
            from,
            to,
            when: when.filter(|conditions| !conditions.is_empty()),
        }
    })
}

fn asks_for_certificate(source: &SourceSpec) -> bool {
    source.client_certificates.is_some() || source.not_client_certificates.is_some()
}

/// Only gateways receive such certificates.
fn without_client_certificates(rule: &mut RuleSpec) {
    for source in rule.from.iter_mut().flatten() {
        if asks_for_certificate(source) {
            *source = SourceSpec {
                principals: Some(vec!["*".to_owned()]),
                client_certificates: None,
                not_client_certificates: None,
                ..source.clone()
            };
        }
    }
}

fn is_about_identity(key: &str) -> bool {
    key.starts_with("source.") && key != "source.ip"
}

/// Meets Istio's restrictions on rules for an external authorizer.
fn without_identities(rule: &mut RuleSpec) {
    for source in rule.from.iter_mut().flatten() {
        *source = SourceSpec {
            ip_blocks: source.ip_blocks.take(),
            not_ip_blocks: source.not_ip_blocks.take(),
            remote_ip_blocks: source.remote_ip_blocks.take(),
            not_remote_ip_blocks: source.not_remote_ip_blocks.take(),
            ..SourceSpec::default()
        };
        if *source == SourceSpec::default() {
            source.not_remote_ip_blocks = Some(vec!["10.9.0.0/16".to_owned()]);
        }
    }
    let when = rule.when.take();
    rule.when = when
        .map(|mut conditions| {
            conditions.retain(|condition| {
                !is_about_identity(&condition.key) && !condition.key.starts_with("request.auth.")
            });
            conditions
        })
        .filter(|conditions| !conditions.is_empty());
}
