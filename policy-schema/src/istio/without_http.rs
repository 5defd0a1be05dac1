//! Models RBAC's decisions on a port without HTTP, for the engine.
//!
//! Nothing is rendered from this. It is what Istio keeps of the rendered rules on such ports, see
//! [`tcp`](super::tcp), in a form that the engine can evaluate.

use super::tcp::asks_http;
use crate::enforcement_points::RbacEnforcement;
use crate::plugin_config::{PluginConfig, PolicyName};
use crate::policy::{PolicySet, ServicePolicy};
use crate::rule::{CertificateMatch, Operation, Rule, Source};
use crate::rule_spec::{Effect, RuleSpec};

impl PolicySet {
    /// The plugin config with which the engine decides about connections to a port without HTTP as
    /// RBAC does. No filter uses it: there is none on such ports.
    pub fn plugin_config_without_http(&self, policy: &ServicePolicy, port: u16) -> PluginConfig {
        let mut config = self.plugin_config(policy);
        config.rules = rules_without_http(policy, port);
        for follower in &mut config.co_enforced {
            let PolicyName { namespace, name } = &follower.policy;
            if let Some(other) = self.policy(namespace, name) {
                follower.rules = rules_without_http(other, port);
            }
        }
        config
    }
}

fn rules_without_http(policy: &ServicePolicy, port: u16) -> Vec<RuleSpec> {
    let rules = policy.rules.iter();
    let rules = rules.filter(|rule| RbacEnforcement::for_rule(policy, rule).is_rendered());
    let rules = rules.filter_map(|rule| without_http(policy, rule, port));
    rules.map(|rule| RuleSpec::from(&rule)).collect()
}

/// What Istio keeps of a rendered rule on a port without HTTP. None if it drops the rule.
fn without_http(policy: &ServicePolicy, rule: &Rule, port: u16) -> Option<Rule> {
    if rule.effect == Effect::Allow {
        let is_dropped = !rule.validity.is_unlimited() || asks_http(rule);
        return (!is_dropped).then(|| with_any_certificate(rule.clone()));
    }
    let mut rule = rule.clone();
    if policy.all_tcp_ports().contains(&port) {
        let has_operations = !rule.operations.is_empty();
        rule.operations
            .retain(|operation| !operation.requires_http());
        if rule.requires_http_outside_operations() || (has_operations && rule.operations.is_empty())
        {
            return None;
        }
    }
    for operation in &mut rule.operations {
        *operation = Operation {
            ports: std::mem::take(&mut operation.ports),
            ..Operation::default()
        };
    }
    for source in &mut rule.sources {
        source.request_principals.any_of.clear();
        source.request_principals.none_of.clear();
    }
    // An operation without conditions matches everything.
    if rule.operations.contains(&Operation::default()) {
        rule.operations.clear();
    }
    if rule.sources.contains(&Source::default()) {
        rule.sources.clear();
    }
    rule.conditions.retain(|condition| !condition.uses_http());
    Some(rule)
}

/// The rule as RBAC sees it, which cannot distinguish client certificates.
fn with_any_certificate(mut rule: Rule) -> Rule {
    for source in &mut rule.sources {
        if source.uses_client_certificate() {
            source.client_certificates.any_of = vec![CertificateMatch::Any];
            source.client_certificates.none_of.clear();
        }
    }
    rule
}
