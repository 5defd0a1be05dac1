//! What a rule means on a port that speaks no HTTP, where only RBAC enforces it.
//!
//! There a request has no method, path, host, header or JWT. Istio drops an `ALLOW` rule that asks
//! for one, and so allows nothing that the policy does not. From a rule with another action it drops
//! the question alone, and so denies what the policy does not (Istio, `model.checkError`).

use super::authorization_policy::Operation as IstioOperation;
use crate::policy::ServicePolicy;
use crate::rule::{Condition, Operation, Rule};
use crate::rule_spec::Effect;

/// Keeps a rendered rule from traffic that its meaning leaves out.
pub(super) fn keep_to_http(
    policy: &ServicePolicy,
    rule: &Rule,
    operations: &mut Vec<IstioOperation>,
) {
    match rule.effect {
        // Without the filter nothing would end the rule: on such ports it has to be dropped.
        Effect::Allow if !rule.validity.is_unlimited() && !asks_http_beside_callers(rule) => {
            if operations.is_empty() {
                operations.push(IstioOperation::default());
            }
            for operation in operations {
                operation.methods = vec!["*".to_owned()];
            }
        }
        Effect::Allow => {}
        Effect::Deny | Effect::Audit | Effect::Custom => {
            let tcp_ports = policy.all_tcp_ports();
            let all_need_http = rule.needs_http_beside_operations();
            let needs_http: Vec<bool> = rule
                .operations
                .iter()
                .map(|operation| all_need_http || operation.needs_http())
                .collect();
            if needs_http.is_empty() && all_need_http && !tcp_ports.is_empty() {
                operations.push(IstioOperation::default());
            }
            for (position, operation) in operations.iter_mut().enumerate() {
                if needs_http.get(position).copied().unwrap_or(all_need_http) {
                    exclude_ports(operation, &tcp_ports);
                }
            }
        }
    }
}

fn exclude_ports(operation: &mut IstioOperation, ports: &[u16]) {
    for port in ports.iter().map(u16::to_string) {
        let is_asked_for = operation.ports.is_empty() || operation.ports.contains(&port);
        if is_asked_for && !operation.not_ports.contains(&port) {
            operation.not_ports.push(port);
        }
    }
}

/// Whether Istio drops the rule from ports without HTTP, whoever calls. What a rule asks of its callers drops those of
/// its sources alone that are rendered together.
pub(super) fn asks_http_beside_callers(rule: &Rule) -> bool {
    rule.operations.iter().any(Operation::asks_for_http)
        || rule.conditions.iter().any(Condition::asks_for_http)
}
