//! What a rule means on a port that speaks no HTTP, where only RBAC enforces it.
//!
//! There a request has no method, path, host, header or JWT. Istio drops an `ALLOW` rule that asks
//! for one, and so allows nothing that the policy does not. From a rule with another action it drops
//! the question alone, and so denies what the policy does not (Istio, `model.checkError`).

use super::authorization_policy::{
    AuthorizationRule, Operation as IstioOperation, OperationEntry, Source as IstioSource,
};
use crate::policy::ServicePolicy;
use crate::rule::{Operation, Rule};
use crate::rule_spec::Effect;

/// Keeps a rendered rule from traffic that its meaning leaves out.
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

/// Keeps the rules that an `Allow` rule is rendered to from ports without HTTP, where the rule has a
/// time: nothing there would end it. The same where a part of it asks for HTTP: Istio drops such a
/// rule, and would not drop those of the rendered ones that lack the part.
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

/// Whether Istio drops the rule from ports without HTTP, if it is an `Allow` rule.
pub(super) fn asks_http(rule: &Rule) -> bool {
    rule.uses_http_outside_operations() || rule.operations.iter().any(Operation::uses_http)
}

/// Keys of conditions that can be asked of a connection without HTTP.
const OF_CONNECTIONS: [&str; 10] = [
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

/// Whether a condition asks something of HTTP. Dynamic metadata belongs to connections too.
pub(crate) fn condition_asks_http(key: &str) -> bool {
    !OF_CONNECTIONS
        .iter()
        .any(|known| *known == key || (known.ends_with('.') && key.starts_with(known)))
}

/// Whether a source asks something of HTTP.
pub(crate) fn source_asks_http(source: &IstioSource) -> bool {
    !(source.request_principals.is_empty() && source.not_request_principals.is_empty())
}

/// Whether an operation asks something of HTTP.
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

/// Whether any part of a rule asks something of HTTP, so that Istio drops the whole of it from ports
/// without HTTP if its action is `ALLOW`.
pub(crate) fn rule_asks_http(rule: &AuthorizationRule) -> bool {
    let mut conditions = rule.when.iter();
    rule.from.iter().any(|from| source_asks_http(&from.source))
        || rule.to.iter().any(|to| operation_asks_http(&to.operation))
        || conditions.any(|condition| condition_asks_http(&condition.key))
}

/// Has Istio drop an `ALLOW` rule from ports without HTTP: every HTTP request has a method.
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
