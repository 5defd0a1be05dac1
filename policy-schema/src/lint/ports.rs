//! Reports ports in rules that the workload does not have.
//!
//! Rules see the workload's own port, the `targetPort` of its `Service`. Exporters and similar
//! processes listen on ports without a service, so an unknown port alone is no mistake. It is a
//! mistake if it is the port of the `Service`, or misspells one of the workload's ports.

use std::collections::{BTreeMap, BTreeSet};

use super::Found;
use super::misspelling::is_mistyped_number;
use crate::code;
use crate::policy::{Attachment, PolicySet, ServicePolicy, covers_workloads_of};
use crate::problem::{Cursor, Problems};
use crate::rule::{Rule, Test};

/// The ports of Istio's agent and proxy, which have no service: 15000 to 15090.
const ISTIO_PORTS: std::ops::RangeInclusive<u16> = 15000..=15090;

/// The declared ports of a policy's workloads.
#[derive(Debug, Default)]
struct Ports {
    /// The workloads' own ports.
    own: BTreeSet<u16>,
    /// The ports of services, with the workloads' ports that they map to.
    by_service: BTreeMap<u16, ServicePort>,
    /// Whether a service covers every workload of the policy.
    cover_all_workloads: bool,
    /// The number of other policies for workloads, if the policy may apply to workloads with
    /// another service.
    workloads: usize,
}

/// The port of a service.
#[derive(Debug, Default)]
struct ServicePort {
    /// The workloads' ports that it maps to.
    targets: BTreeSet<u16>,
    /// The number of services with this port.
    services: usize,
}

/// Reports ports in rules that no declared workload has.
pub(super) fn check(set: &PolicySet, overlapping: &[Vec<usize>], found: &mut Found) {
    let spec = Cursor::Root;
    let spec = spec.key("spec");
    let rules = spec.key("rules");
    check_exceptions(set, &spec, &mut found.mesh);
    for (position, (policy, overlapping)) in set.policies().iter().zip(overlapping).enumerate() {
        // At a waypoint, rules see the service's port.
        let is_at_waypoint = matches!(policy.attachment, Attachment::Targets(_));
        let names_none = policy.tcp_ports.is_empty() && !names_ports(policy);
        if is_at_waypoint || names_none {
            continue;
        }
        let overlapping = overlapping.iter();
        let overlapping = overlapping.filter_map(|position| set.policies().get(*position));
        let ports = Ports::for_policy(policy, overlapping, set);
        if ports.by_service.is_empty() {
            continue;
        }
        let problems = found.for_policy(position);
        check_ports(
            &policy.tcp_ports,
            true,
            &ports,
            &spec.key("tcpPorts"),
            problems,
        );
        for (index, rule) in policy.rules.iter().enumerate() {
            check_rule(rule, &ports, &rules.index(index), problems);
        }
    }
}

/// Checks the ports of exceptions from mutual TLS. Like those of rules, they are the workload's
/// own.
fn check_exceptions(set: &PolicySet, spec: &Cursor<'_>, problems: &mut Problems) {
    let mtls = spec.key("mtls");
    let exceptions = mtls.key("exceptions");
    for exception in &set.mesh().mtls.exceptions {
        let Some(labels) = exception
            .labels
            .as_ref()
            .filter(|_| !exception.ports.is_empty())
        else {
            continue;
        };
        let is_meant = |policy: &&ServicePolicy| match &policy.attachment {
            Attachment::Workload(own) => {
                policy.name.namespace == exception.namespace
                    && labels
                        .iter()
                        .all(|(key, value)| own.get(key) == Some(value))
            }
            _ => false,
        };
        let policies: Vec<_> = set.policies().iter().filter(is_meant).collect();
        let mut ports = Ports::default();
        for policy in &policies {
            ports.own.extend(&policy.tcp_ports);
            ports.add_service(policy);
        }
        ports.workloads = policies.len();
        ports.cover_all_workloads = policies.len() == 1;
        let cursor = exceptions.index(exception.position);
        check_ports(
            &exception.ports,
            false,
            &ports,
            &cursor.key("ports"),
            problems,
        );
    }
}

fn names_ports(policy: &ServicePolicy) -> bool {
    policy.rules.iter().any(|rule| {
        let mut operations = rule.operations.iter();
        let mut conditions = rule.conditions.iter();
        operations.any(|operation| !operation.ports.is_empty())
            || conditions.any(|condition| matches!(condition.test, Test::Port(_)))
    })
}

impl Ports {
    /// `overlapping` contains the policies for any of the same workloads, including `policy`.
    fn for_policy<'s>(
        policy: &ServicePolicy,
        overlapping: impl Iterator<Item = &'s ServicePolicy>,
        set: &PolicySet,
    ) -> Self {
        let mut ports = Self::default();
        let overlapping: Vec<_> = overlapping.collect();
        ports.cover_all_workloads = overlapping
            .iter()
            .any(|other| other.service.is_some() && serves_all_workloads_of(policy, other));
        let mut tcp_ports = BTreeSet::new();
        for other in overlapping {
            tcp_ports.extend(&other.tcp_ports);
            let is_workload = matches!(other.attachment, Attachment::Workload(_));
            if is_workload && !std::ptr::eq(policy, other) {
                ports.workloads += 1;
            }
            let Some(service) = &other.service else {
                continue;
            };
            if ports.cover_all_workloads && !serves_all_workloads_of(policy, other) {
                let own = service.ports.iter().map(|port| port.target_port);
                ports.own.extend(own);
            } else {
                ports.add_service(other);
            }
        }
        // A port of the service in `tcpPorts` is a mistake.
        let by_service = &ports.by_service;
        let tcp_ports = tcp_ports.into_iter();
        ports
            .own
            .extend(tcp_ports.filter(|port| !by_service.contains_key(port)));
        for exception in &set.mesh().mtls.exceptions {
            let labels = exception.labels.clone().unwrap_or_default();
            let meets = policy.attachment.may_select_pods(
                &policy.name.namespace,
                &exception.namespace,
                &labels,
            );
            if meets {
                let by_service = &ports.by_service;
                let named = exception.ports.iter();
                let named = named.filter(|port| !by_service.contains_key(port));
                ports.own.extend(named);
            }
        }
        ports
    }

    fn add_service(&mut self, policy: &ServicePolicy) {
        for port in policy.service.iter().flat_map(|service| &service.ports) {
            self.own.insert(port.target_port);
            let by_service = self.by_service.entry(port.port).or_default();
            by_service.targets.insert(port.target_port);
            by_service.services += 1;
        }
    }
}

/// Whether the service of `other` covers every workload of `policy`.
fn serves_all_workloads_of(policy: &ServicePolicy, other: &ServicePolicy) -> bool {
    matches!(policy.attachment, Attachment::Workload(_))
        && (std::ptr::eq(policy, other) || covers_workloads_of(other, policy))
}

fn check_rule(rule: &Rule, ports: &Ports, rule_cursor: &Cursor<'_>, problems: &mut Problems) {
    let to = rule_cursor.key("to");
    for (index, operation) in rule.operations.iter().enumerate() {
        let operation_cursor = to.index(index);
        for (key, named, must_exist) in [
            ("ports", &operation.ports.any_of, true),
            ("notPorts", &operation.ports.none_of, false),
        ] {
            check_ports(
                named,
                must_exist,
                ports,
                &operation_cursor.key(key),
                problems,
            );
        }
    }
    let when = rule_cursor.key("when");
    for (index, condition) in rule.conditions.iter().enumerate() {
        if let Test::Port(values) = &condition.test {
            let condition_cursor = when.index(index);
            for (key, named, must_exist) in [
                ("values", &values.any_of, true),
                ("notValues", &values.none_of, false),
            ] {
                check_ports(
                    named,
                    must_exist,
                    ports,
                    &condition_cursor.key(key),
                    problems,
                );
            }
        }
    }
}

/// An excluded port need not exist.
fn check_ports(
    named: &[u16],
    must_exist: bool,
    ports: &Ports,
    list: &Cursor<'_>,
    problems: &mut Problems,
) {
    for (index, port) in named.iter().enumerate() {
        if ports.own.contains(port) || ISTIO_PORTS.contains(port) {
            continue;
        }
        if let Some(by_service) = ports.by_service.get(port) {
            // It may be correct at another workload.
            if !ports.cover_all_workloads && by_service.services < ports.workloads {
                continue;
            }
            let targets = enumerated(&by_service.targets);
            let help = if ports.cover_all_workloads {
                format!("write {targets}")
            } else {
                format!("add {targets}, and keep {port} only for workloads that listen on it")
            };
            problems.report(
                code::UNKNOWN_PORT,
                &list.index(index),
                format!(
                    "{port} is the `Service` port, but rules see the workload's port: {targets}"
                ),
                help,
            );
        } else if must_exist && ports.cover_all_workloads {
            let mut own = ports.own.iter();
            let meant = own.find(|own| is_mistyped_number(*port, **own) && !named.contains(own));
            if let Some(meant) = meant {
                problems.report(
                    code::UNKNOWN_PORT,
                    &list.index(index),
                    format!(
                        "the workload has no declared port {port}, only {}",
                        enumerated(&ports.own)
                    ),
                    format!("did you mean {meant}?"),
                );
            }
        }
    }
}

fn enumerated(ports: &BTreeSet<u16>) -> String {
    let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
    ports.join(", ")
}
