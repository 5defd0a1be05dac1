//! Ports that rules name and the workload does not have.
//!
//! Rules see the workload's own port, the `targetPort` of its `Service`. Where the documents say which ports a
//! workload has, another one in a rule is a mistake.

use std::collections::{BTreeMap, BTreeSet};

use super::Found;
use crate::code::Code;
use crate::policy::{Attachment, PolicySet, ServicePolicy, is_for_all_of};
use crate::problem::{Cursor, Problems};
use crate::rule::{Rule, Test};

/// The ports of Istio's agent and proxy, which no service has: 15000 to 15090.
const ISTIO_PORTS: std::ops::RangeInclusive<u16> = 15000..=15090;

/// What the documents say of the ports of a policy's workloads.
#[derive(Debug, Default)]
struct Ports {
    /// The workloads' own.
    own: BTreeSet<u16>,
    /// Those of services, with the workloads' own that they lead to.
    of_services: BTreeMap<u16, BTreeSet<u16>>,
    /// Whether all of them are known, at every workload of the policy.
    are_all: bool,
}

/// Reports ports in rules that the workloads of the documents do not have.
pub(super) fn check(set: &PolicySet, together: &[Vec<usize>], found: &mut Found) {
    let rules = Cursor::Root;
    let rules = rules.key("spec");
    let rules = rules.key("rules");
    for (position, (policy, together)) in set.policies().iter().zip(together).enumerate() {
        // At a waypoint, rules see the service's port.
        if matches!(policy.attachment, Attachment::Targets(_)) || !names_ports(policy) {
            continue;
        }
        let together = together.iter();
        let together = together.filter_map(|position| set.policies().get(*position));
        let ports = Ports::of(policy, together, set);
        if ports.of_services.is_empty() {
            continue;
        }
        let problems = found.of(position);
        for (index, rule) in policy.rules.iter().enumerate() {
            check_rule(rule, &ports, &rules.index(index), problems);
        }
    }
}

fn names_ports(policy: &ServicePolicy) -> bool {
    policy.rules.iter().any(|rule| {
        let mut operations = rule.operations.iter();
        let mut conditions = rule.conditions.iter();
        operations.any(|operation| !(operation.ports.is_empty() && operation.not_ports.is_empty()))
            || conditions.any(|condition| matches!(condition.test, Test::Port(_)))
    })
}

impl Ports {
    /// `together` has the policies for any of the same workloads, with `policy` itself.
    fn of<'s>(
        policy: &ServicePolicy,
        together: impl Iterator<Item = &'s ServicePolicy>,
        set: &PolicySet,
    ) -> Self {
        let mut ports = Self::default();
        for other in together {
            ports.own.extend(&other.tcp_ports);
            let Some(service) = &other.service else {
                continue;
            };
            for port in &service.ports {
                ports.own.insert(port.target_port);
                let targets = ports.of_services.entry(port.port).or_default();
                targets.insert(port.target_port);
            }
            ports.are_all |= matches!(policy.attachment, Attachment::Workload(_))
                && (std::ptr::eq(policy, other) || is_for_all_of(other, policy));
        }
        for exception in &set.mesh().mtls.exceptions {
            let labels = exception.labels.clone().unwrap_or_default();
            let meets =
                policy
                    .attachment
                    .may_meet(&policy.name.namespace, &exception.namespace, &labels);
            if meets {
                ports.own.extend(&exception.ports);
            }
        }
        ports
    }
}

fn check_rule(rule: &Rule, ports: &Ports, rule_cursor: &Cursor<'_>, problems: &mut Problems) {
    let to = rule_cursor.key("to");
    for (index, operation) in rule.operations.iter().enumerate() {
        let operation_cursor = to.index(index);
        for (key, named, must_exist) in [
            ("ports", &operation.ports, true),
            ("notPorts", &operation.not_ports, false),
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

/// A port that is excluded need not be there.
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
        if let Some(targets) = ports.of_services.get(port) {
            let targets = enumerated(targets);
            problems.report(
                Code::UnknownPort,
                &list.index(index),
                format!("{port} is the port of the `Service`, and rules see the workload's own: {targets}"),
                format!("write {targets}"),
            );
        } else if must_exist && ports.are_all {
            problems.report(
                Code::UnknownPort,
                &list.index(index),
                format!(
                    "the workload has no port {port}: the documents declare {}",
                    enumerated(&ports.own)
                ),
                format!("correct the number, or declare {port} in `service.ports`, and in `tcpPorts` too if it speaks no HTTP"),
            );
        }
    }
}

fn enumerated(ports: &BTreeSet<u16>) -> String {
    let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
    ports.join(", ")
}
