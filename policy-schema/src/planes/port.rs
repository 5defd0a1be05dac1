//! Ports without HTTP, in rules that ask for HTTP.

use super::RbacPlane;
use crate::plugin_config::PolicyName;
use crate::policy::{PolicySet, ServicePolicy};
use crate::rule::{Operation, Rule};
use crate::rule_spec::Effect;

impl ServicePolicy {
    /// Whether a rule of this policy, as RBAC enforces it, denies connections on a port without HTTP for
    /// something that only HTTP requests have: Istio drops the question there and keeps the denial.
    pub(crate) fn denies_connections(&self, rule: &Rule, port: u16) -> bool {
        let asks_beside = rule.uses_http_outside_operations();
        let needs_beside = rule.requires_http_outside_operations();
        let is_left_out = self.all_tcp_ports().contains(&port);
        let denies = |operation: &Operation| {
            let is_kept_off = is_left_out && (needs_beside || operation.requires_http());
            (asks_beside || operation.uses_http()) && operation.matches_port(port) && !is_kept_off
        };
        let mut conditions = rule.conditions.iter();
        rule.effect == Effect::Deny
            && RbacPlane::of_rule(self, rule).is_rendered()
            && conditions.all(|condition| condition.matches_port(port))
            && if rule.operations.is_empty() {
                denies(&Operation::default())
            } else {
                rule.operations.iter().any(denies)
            }
    }

    /// Whether RBAC has to leave a port without HTTP out of a rule of this policy: some of it asks for HTTP there,
    /// and Istio would drop the question and keep the denial.
    pub(crate) fn is_kept_off(&self, rule: &Rule, port: u16) -> bool {
        let beside = rule.requires_http_outside_operations();
        let is_on_port = |operation: &Operation| {
            (beside || operation.requires_http()) && operation.matches_port(port)
        };
        rule.effect != Effect::Allow
            && RbacPlane::of_rule(self, rule).is_rendered()
            && (rule.operations.iter().any(is_on_port) || (beside && rule.operations.is_empty()))
    }
}

/// A port that RBAC leaves out of a rule, because another policy declares that some of the workloads speak
/// something other than HTTP on it.
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
    /// The ports that RBAC leaves out of a policy's rules, though they may speak HTTP on some of its workloads.
    pub fn ports_left_to_filter<'s>(
        &'s self,
        policy: &'s ServicePolicy,
    ) -> impl Iterator<Item = PortLeftToFilter<'s>> {
        policy.rules.iter().flat_map(move |rule| {
            let shared = policy.shared_tcp_ports.iter();
            let left = shared
                .filter(|shared| !shared.is_everywhere && policy.is_kept_off(rule, shared.port));
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
