//! HTTP rules on ports without HTTP.

use super::RbacEnforcement;
use crate::plugin_config::PolicyName;
use crate::policy::{PolicySet, ServicePolicy};
use crate::rule::{Operation, Rule};
use crate::rule_spec::Effect;

impl ServicePolicy {
    /// Whether a rule of this policy, as RBAC enforces it, denies connections on a port without
    /// HTTP because of an HTTP attribute. Istio drops the attribute there and keeps the denial.
    pub(crate) fn denies_connections(&self, rule: &Rule, port: u16) -> bool {
        let asks_beside = rule.uses_http_outside_operations();
        let needs_beside = rule.requires_http_outside_operations();
        let is_left_out = self.all_tcp_ports().contains(&port);
        let denies = |operation: &Operation| {
            let must_exclude_port = is_left_out && (needs_beside || operation.requires_http());
            (asks_beside || operation.uses_http())
                && operation.matches_port(port)
                && !must_exclude_port
        };
        let mut conditions = rule.conditions.iter();
        rule.effect == Effect::Deny
            && RbacEnforcement::for_rule(self, rule).is_rendered()
            && conditions.all(|condition| condition.matches_port(port))
            && if rule.operations.is_empty() {
                denies(&Operation::default())
            } else {
                rule.operations.iter().any(denies)
            }
    }

    /// Whether RBAC must not apply a rule of this policy to a port without HTTP. Part of the rule
    /// requires HTTP, and Istio would drop that part and keep the denial.
    pub(crate) fn must_exclude_port(&self, rule: &Rule, port: u16) -> bool {
        let rest_needs_http = rule.requires_http_outside_operations();
        let is_on_port = |operation: &Operation| {
            (rest_needs_http || operation.requires_http()) && operation.matches_port(port)
        };
        rule.effect != Effect::Allow
            && RbacEnforcement::for_rule(self, rule).is_rendered()
            && (rule.operations.iter().any(is_on_port)
                || (rest_needs_http && rule.operations.is_empty()))
    }
}

/// A port that RBAC excludes from a rule, because another policy declares that some of the
/// workloads do not speak HTTP on it.
#[derive(Clone, Copy, Debug)]
pub struct PortLeftToFilter<'s> {
    /// The rule.
    pub rule: &'s str,
    /// The port.
    pub port: u16,
    /// The policy that declares it.
    pub declared_by: &'s PolicyName,
}

impl PolicySet {
    /// The ports that RBAC excludes from a policy's rules although some of its workloads may speak
    /// HTTP on them.
    pub fn ports_left_to_filter<'s>(
        &'s self,
        policy: &'s ServicePolicy,
    ) -> impl Iterator<Item = PortLeftToFilter<'s>> {
        policy.rules.iter().flat_map(move |rule| {
            let shared = policy.shared_tcp_ports.iter();
            let left = shared.filter(|shared| {
                !shared.is_everywhere && policy.must_exclude_port(rule, shared.port)
            });
            left.filter_map(|shared| {
                Some(PortLeftToFilter {
                    rule: &rule.id,
                    port: shared.port,
                    declared_by: self.policies.get(shared.policy)?.name(),
                })
            })
        })
    }
}
