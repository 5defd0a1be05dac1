//! Renders rules for ports without HTTP, where only RBAC enforces them.
//!
//! Connections there have no method, path, host, header or JWT. Istio drops an `ALLOW` rule that
//! requires one, and so allows nothing that the policy denies. From a rule with another action it
//! drops only the requirement, and so denies what the policy allows (Istio, `model.checkError`).

use super::authorization_policy::{
    AuthorizationRule, Operation as IstioOperation, OperationEntry, Source as IstioSource,
};
use crate::policy::ServicePolicy;
use crate::rule::{Operation, Rule};
use crate::rule_spec::Effect;

/// Restricts a rendered rule to the traffic that it is meant for.
pub(super) fn keep_to_http(
    policy: &ServicePolicy,
    rule: &Rule,
    operations: &mut Vec<IstioOperation>,
) {
    match rule.effect {
        // See `keep_to_http_as_a_whole`.
        Effect::Allow => {}
        Effect::Deny | Effect::Audit | Effect::Custom => {
            let tcp_ports = policy.all_tcp_ports();
            let all_need_http = rule.requires_http_outside_operations();
            let requires_http: Vec<bool> = rule
                .operations
                .iter()
                .map(|operation| all_need_http || operation.requires_http())
                .collect();
            if requires_http.is_empty() && all_need_http && !tcp_ports.is_empty() {
                operations.push(IstioOperation::default());
            }
            for (position, operation) in operations.iter_mut().enumerate() {
                if requires_http
                    .get(position)
                    .copied()
                    .unwrap_or(all_need_http)
                {
                    exclude_ports(operation, &tcp_ports);
                }
            }
        }
    }
}

/// Restricts the rendered rules of an `Allow` rule to ports with HTTP, if the rule has a start or
/// an end, because nothing would end it on other ports. Also if a part of the rule requires HTTP:
/// Istio drops that rule, but would keep rendered rules without the part.
pub(super) fn keep_to_http_as_a_whole(rule: &Rule, rendered: &mut [AuthorizationRule]) {
    let is_timed = !rule.validity.is_unlimited();
    if rule.effect == Effect::Allow && (is_timed || asks_http(rule)) {
        rendered.iter_mut().for_each(keep_rule_to_http);
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

/// Whether Istio drops the rule from ports without HTTP, provided that it is an `Allow` rule.
pub(super) fn asks_http(rule: &Rule) -> bool {
    rule.uses_http_outside_operations() || rule.operations.iter().any(Operation::uses_http)
}

/// Keys of conditions that apply to connections without HTTP.
const CONNECTION_KEYS: [&str; 10] = [
    "connection.sni",
    "destination.ip",
    "destination.port",
    "remote.ip",
    "source.ip",
    "source.namespace",
    "source.principal",
    "source.serviceAccount",
    "source.trustDomain",
    "experimental.envoy.filters.",
];

/// Whether a condition requires HTTP. Dynamic metadata also exists for connections.
pub(crate) fn condition_asks_http(key: &str) -> bool {
    !CONNECTION_KEYS
        .iter()
        .any(|known| *known == key || (known.ends_with('.') && key.starts_with(known)))
}

/// Whether a source requires HTTP.
pub(crate) fn source_asks_http(source: &IstioSource) -> bool {
    !(source.request_principals.is_empty() && source.not_request_principals.is_empty())
}

/// Whether an operation requires HTTP.
pub(crate) fn operation_asks_http(operation: &IstioOperation) -> bool {
    let IstioOperation {
        hosts,
        not_hosts,
        ports: _,
        not_ports: _,
        methods,
        not_methods,
        paths,
        not_paths,
    } = operation;
    let lists = [hosts, not_hosts, methods, not_methods, paths, not_paths];
    lists.into_iter().any(|list| !list.is_empty())
}

/// Whether any part of a rule requires HTTP, so that Istio drops the whole rule from ports without
/// HTTP if its action is `ALLOW`.
pub(crate) fn rule_asks_http(rule: &AuthorizationRule) -> bool {
    let mut conditions = rule.when.iter();
    rule.from.iter().any(|from| source_asks_http(&from.source))
        || rule.to.iter().any(|to| operation_asks_http(&to.operation))
        || conditions.any(|condition| condition_asks_http(&condition.key))
}

/// Makes Istio drop an `ALLOW` rule from ports without HTTP: only HTTP requests have a method.
pub(super) fn keep_rule_to_http(rule: &mut AuthorizationRule) {
    if rule_asks_http(rule) {
        return;
    }
    if rule.to.is_empty() {
        rule.to.push(OperationEntry::default());
    }
    for to in &mut rule.to {
        to.operation.methods = vec!["*".to_owned()];
    }
}
