//! Reports HTTP rules on ports without HTTP.
//!
//! A connection there has no method, path, host, header or JWT. Istio drops such conditions from a
//! `DENY` rule and keeps the denial, so that the rule denies every connection. `render` excludes
//! the ports in `tcpPorts` from such rules. Rules for which that is not possible, and undeclared
//! ports, are reported here.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::documents_by_name::DocumentsByName;
use crate::code;
use crate::diagnostic::Diagnostic;
use crate::document::GatewayApi;
use crate::enforcement_points::{RbacEnforcement, distinguishes_certificates_beyond_rbac};
use crate::policy::{
    Attachment, PolicySet, ServicePolicy, SharedTcpPort, are_compatible, covers_workloads_of,
};
use crate::problem::{Cursor, Problems};
use crate::rule::{Operation, Rule, Source};
use crate::rule_spec::{Effect, Enforcement};

/// Ports whose protocols are not HTTP by convention.
const CONVENTIONAL: [(u16, &str); 27] = [
    (21, "FTP"),
    (22, "SSH"),
    (25, "SMTP"),
    (53, "DNS"),
    (389, "LDAP"),
    (465, "SMTP"),
    (587, "SMTP"),
    (636, "LDAP"),
    (1433, "SQL Server"),
    (1521, "Oracle"),
    (1883, "MQTT"),
    (2181, "ZooKeeper"),
    (3306, "MySQL"),
    (4222, "NATS"),
    (5432, "PostgreSQL"),
    (5671, "AMQP"),
    (5672, "AMQP"),
    (6379, "Redis"),
    (7687, "Bolt"),
    (8883, "MQTT"),
    (9042, "Cassandra"),
    (9092, "Kafka"),
    (11211, "memcached"),
    (26257, "PostgreSQL"),
    (26379, "Redis Sentinel"),
    (27017, "MongoDB"),
    (61616, "OpenWire"),
];

/// Reports effects of rules on TCP ports that are probably not intended.
pub(super) fn check_across_policies(
    documents: &DocumentsByName<'_>,
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let overlapping = set.overlapping_policies();
    for (policy, overlapping) in set.policies().iter().zip(overlapping) {
        let others = overlapping.iter().skip(1);
        let others: Vec<_> = others
            .filter_map(|position| set.policies().get(*position))
            .collect();
        let mut problems = Problems::default();
        check_policy(policy, &others, set, &mut problems);
        if problems.count() > 0
            && let Some(document) = documents.get(policy)
        {
            document.place(problems, diagnostics);
        }
    }
}

fn check_policy(
    policy: &ServicePolicy,
    others: &[&ServicePolicy],
    set: &PolicySet,
    problems: &mut Problems,
) {
    let spec = Cursor::Root;
    let spec = spec.key("spec");
    check_service_ports(policy, others, &spec, problems);
    if policy.enforcement == Enforcement::Shadow {
        return;
    }
    let rules = spec.key("rules");
    let common = policy.common_tcp_ports();
    let all = policy.all_tcp_ports();
    let http_ports = http_ports(policy, others);
    let is_declared = OnceCell::new();
    let is_declared = || *is_declared.get_or_init(|| declares_all_ports(policy, others, set));
    for (index, rule) in policy.rules.iter().enumerate() {
        let cursor = rules.index(index);
        check_absent_http(rule, &common, &cursor, problems);
        check_unlimited(rule, &all, &cursor, problems);
        for shared in &policy.shared_tcp_ports {
            check_shared(rule, *shared, policy, &http_ports, set, &cursor, problems);
        }
        let open = open_parts(policy, rule);
        if open.is_empty() {
            continue;
        }
        if !is_declared() {
            let (place, help) = match policy.attachment() {
                Attachment::Namespace | Attachment::Mesh(_) => (
                    "it also applies to workloads that no document describes",
                    "list the ports without HTTP in the policy's `tcpPorts`, or limit the rule with `ports` or `notPorts`",
                ),
                Attachment::Workload(_) | Attachment::Targets(_) => (
                    "no document says which ports those are",
                    "add the workload's `service`, with other ports in `tcpPorts`, or limit the rule with `ports` or `notPorts`",
                ),
            };
            problems.report(
                code::DENIES_TCP,
                &cursor,
                format!(
                    "rule `{}` denies every connection on ports without HTTP, and {place}",
                    rule.id
                ),
                help,
            );
        } else if let Some(port) = all.first()
            && open.contains(&OpenPart::ExcludesHttp)
            && !some_sources_need_http(rule)
        {
            problems.report(
                code::DENIES_TCP,
                &cursor,
                format!(
                    "rule `{}` denies every connection on port {port}: without HTTP, its exclusions do not apply",
                    rule.id
                ),
                "exclude the port with `notPorts`, or deny its callers in a separate rule",
            );
        }
    }
}

/// Reports a service port that is not in `tcpPorts` and by convention does not speak HTTP, if a
/// rule would deny every connection.
fn check_service_ports(
    policy: &ServicePolicy,
    others: &[&ServicePolicy],
    spec: &Cursor<'_>,
    problems: &mut Problems,
) {
    let Some(service) = &policy.service else {
        return;
    };
    let tcp_ports = policy.common_tcp_ports();
    let service_cursor = spec.key("service");
    let ports = service_cursor.key("ports");
    for (index, port) in service.ports.iter().enumerate() {
        let port = port.target_port;
        let known = CONVENTIONAL.iter().find(|(known, _)| *known == port);
        let (Some((_, protocol)), false) = (known, tcp_ports.contains(&port)) else {
            continue;
        };
        let mut policies = std::iter::once(&policy).chain(others);
        let denying = policies.find_map(|policy| {
            let mut rules = policy.rules.iter();
            // A rule that names the port implies that it speaks HTTP.
            let names_port = |rule: &Rule| {
                rule.operations
                    .iter()
                    .any(|to| to.ports.any_of.contains(&port))
            };
            let rule =
                rules.find(|rule| policy.denies_connections(rule, port) && !names_port(rule))?;
            Some((policy, rule))
        });
        if let Some((denying, rule)) = denying {
            problems.report(
                code::DENIES_TCP,
                &ports.index(index),
                format!(
                    "port {port} speaks {protocol} by convention, so rule `{}` of policy `{}` denies every connection",
                    rule.id,
                    denying.name()
                ),
                format!("list {port} in `tcpPorts`, or limit the rule with `ports` or `notPorts`"),
            );
        }
    }
}

/// A part of a denial that requires HTTP, on every port.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OpenPart {
    /// It requires an HTTP attribute. `render` excludes ports without HTTP from it.
    NeedsHttp,
    /// It excludes values of an HTTP attribute, and so matches everything without one.
    ExcludesHttp,
}

/// The open parts of a rule, if it denies and RBAC enforces it.
fn open_parts(policy: &ServicePolicy, rule: &Rule) -> Vec<OpenPart> {
    let is_denial = rule.effect == Effect::Deny
        && RbacEnforcement::for_rule(policy, rule).is_rendered()
        && !rule.is_limited_to_ports();
    if !is_denial {
        return Vec::new();
    }
    let asks_beside = rule.uses_http_outside_operations();
    let needs_beside = rule.requires_http_outside_operations();
    let part = |operation: &Operation| {
        let is_limited = !operation.ports.is_empty();
        if is_limited || !(asks_beside || operation.uses_http()) {
            None
        } else if needs_beside || operation.requires_http() {
            Some(OpenPart::NeedsHttp)
        } else {
            Some(OpenPart::ExcludesHttp)
        }
    };
    if rule.operations.is_empty() {
        part(&Operation::default()).into_iter().collect()
    } else {
        rule.operations.iter().filter_map(part).collect()
    }
}

/// Whether the documents declare which ports of all the policy's workloads speak HTTP.
fn declares_all_ports(policy: &ServicePolicy, others: &[&ServicePolicy], set: &PolicySet) -> bool {
    let has_tcp_ports = |policy: &ServicePolicy| !policy.tcp_ports.is_empty();
    let of_others = others.iter().any(|other| {
        (has_tcp_ports(other) || other.service.is_some()) && covers_workloads_of(other, policy)
    });
    has_tcp_ports(policy)
        || of_others
        || (policy.service.is_some()
            && !matches!(
                policy.attachment(),
                Attachment::Namespace | Attachment::Mesh(_)
            ))
        || is_for_gateway(policy, set)
}

/// Whether the policy applies to a gateway of the mesh, whose servers speak HTTP.
fn is_for_gateway(policy: &ServicePolicy, set: &PolicySet) -> bool {
    let namespace = &policy.name().namespace;
    let mut gateways = set.mesh.gateways.iter();
    gateways.any(|gateway| {
        gateway.namespace == *namespace
            && match policy.attachment() {
                Attachment::Workload(labels) => {
                    gateway.api == GatewayApi::Istio
                        && are_compatible(&gateway.labels, labels)
                        && gateway.labels.keys().all(|key| labels.contains_key(key))
                }
                Attachment::Targets(targets) => targets
                    .iter()
                    .all(|target| target.kind == "Gateway" && target.name == gateway.name),
                Attachment::Namespace | Attachment::Mesh(_) => false,
            }
    })
}

/// Reports operations that require HTTP on ports that never speak it.
fn check_absent_http(rule: &Rule, tcp_ports: &[u16], cursor: &Cursor<'_>, problems: &mut Problems) {
    let to = cursor.key("to");
    for (index, operation) in rule.operations.iter().enumerate() {
        let is_on_tcp = |port: &u16| tcp_ports.contains(port);
        if operation.requires_http()
            && !operation.ports.any_of.is_empty()
            && operation.ports.any_of.iter().all(is_on_tcp)
        {
            problems.report(
                code::NEVER_MATCHES,
                &to.index(index).key("ports"),
                "these ports do not speak HTTP, so they have no methods, paths or hosts",
                "remove the ports from `tcpPorts`, or the HTTP fields from the operation",
            );
        }
    }
}

/// Reports rules that no enforcement point limits as written on ports without HTTP.
fn check_unlimited(rule: &Rule, tcp_ports: &[u16], cursor: &Cursor<'_>, problems: &mut Problems) {
    if tcp_ports.is_empty() {
        return;
    }
    let is_timed = !rule.validity.is_unlimited();
    let is_enforced = rule.enforcement != Some(Enforcement::Shadow);
    if is_timed && is_enforced && matches_tcp(rule, tcp_ports) {
        problems.report(
            code::UNENFORCEABLE_RULE,
            cursor,
            format!("the times of rule `{}` cannot be enforced on ports without HTTP: the filter does not see that traffic", rule.id),
            "exclude the ports of `tcpPorts` with `notPorts`, or remove the times",
        );
    }
    if distinguishes_certificates_beyond_rbac(rule) && is_enforced && matches_tcp(rule, tcp_ports) {
        problems.report(
            code::UNENFORCEABLE_RULE,
            &cursor.key("from"),
            format!("rule `{}` cannot distinguish client certificates on ports without HTTP: the filter does not see that traffic", rule.id),
            "exclude the ports of `tcpPorts` with `notPorts`, or use `clientCertificates: [\"*\"]`",
        );
    }
    if rule.effect != Effect::Allow && some_sources_need_http(rule) {
        problems.report(
            code::UNENFORCEABLE_RULE,
            &cursor.key("from"),
            "on ports without HTTP, only some of these sources can match, which Istio cannot express",
            "split the rule: one for the sources with `requestPrincipals`, one for the others",
        );
    }
}

/// Whether some sources of a rule can match callers without HTTP, and others cannot.
fn some_sources_need_http(rule: &Rule) -> bool {
    let mut sources = rule.sources.iter();
    let requires_http = |source: &Source| !source.request_principals.any_of.is_empty();
    sources.clone().any(requires_http) && !sources.all(requires_http)
}

/// Whether the rule as written matches traffic on a port without HTTP.
fn matches_tcp(rule: &Rule, tcp_ports: &[u16]) -> bool {
    let operation_does = |operation: &Operation| {
        // An `Allow` rule does not match if an excluded attribute is absent.
        let leaves_out = rule.effect == Effect::Allow && operation.uses_http();
        !operation.requires_http()
            && !leaves_out
            && tcp_ports.iter().any(|port| operation.matches_port(*port))
    };
    // An open `Allow` rule is rendered for HTTP only.
    let is_open = rule.operations.is_empty() && rule.effect != Effect::Allow;
    let names_tcp =
        |operation: &Operation| rule.effect != Effect::Allow || !operation.ports.any_of.is_empty();
    !rule.requires_http_outside_operations()
        && (is_open
            || rule
                .operations
                .iter()
                .any(|operation| operation_does(operation) && names_tcp(operation)))
}

/// Reports a port without HTTP on only some of the policy's workloads. RBAC would exclude it from a
/// rule on all of them, which is wrong if the documents declare that it speaks HTTP there.
fn check_shared(
    rule: &Rule,
    shared: SharedTcpPort,
    policy: &ServicePolicy,
    http_ports: &HashMap<u16, &ServicePolicy>,
    set: &PolicySet,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    if shared.is_everywhere || !policy.must_exclude_port(rule, shared.port) {
        return;
    }
    let names_port = |operation: &Operation| operation.ports.any_of.contains(&shared.port);
    let asking = if rule.operations.iter().any(names_port) {
        Some(policy)
    } else {
        http_ports.get(&shared.port).copied()
    };
    let (Some(asking), Some(declaring)) = (asking, set.policies().get(shared.policy)) else {
        return;
    };
    problems.report(
        code::UNENFORCEABLE_RULE,
        cursor,
        format!(
            "port {} speaks HTTP in policy `{}` but not in policy `{}`, and Istio cannot apply rule `{}` to only one of them",
            shared.port,
            asking.name(),
            declaring.name(),
            rule.id
        ),
        "exclude the port with `notPorts`, and deny it in the policies of the workloads where it speaks HTTP",
    );
}

/// The ports that speak HTTP by the `service` or the rules of a policy or of others, each with the
/// first of these. None if all workloads of the policy share every port without HTTP.
fn http_ports<'s>(
    policy: &'s ServicePolicy,
    others: &[&'s ServicePolicy],
) -> HashMap<u16, &'s ServicePolicy> {
    let mut found = HashMap::new();
    let mut shared = policy.shared_tcp_ports.iter();
    if shared.all(|shared| shared.is_everywhere) {
        return found;
    }
    for policy in std::iter::once(&policy).chain(others) {
        let tcp_ports = policy.common_tcp_ports();
        let services = policy.service.iter();
        let of_service = services.flat_map(|service| &service.ports);
        let operations = policy.rules.iter().flat_map(|rule| &rule.operations);
        let of_rules = operations
            .filter(|operation| operation.requires_http())
            .flat_map(|operation| operation.ports.any_of.iter().copied());
        for port in of_service.map(|port| port.target_port).chain(of_rules) {
            if !tcp_ports.contains(&port) {
                found.entry(port).or_insert(*policy);
            }
        }
    }
    found
}
