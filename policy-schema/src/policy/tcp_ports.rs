//! Ports without HTTP, combined over all policies for the same workloads.

use std::collections::HashMap;

use super::ServicePolicy;
use super::leaders::covers_workloads_of;
use super::shared_tcp_port::SharedTcpPort;

/// For each policy, the ports without HTTP that other policies declare for its workloads.
pub(super) fn shared_tcp_ports(
    policies: &[ServicePolicy],
    overlapping: &[Vec<usize>],
) -> Vec<Vec<SharedTcpPort>> {
    if policies.iter().all(|policy| policy.tcp_ports.is_empty()) {
        return Vec::new();
    }
    let overlapping = overlapping.iter();
    overlapping
        .map(|overlapping| shared_by(policies, overlapping))
        .collect()
}

/// The first of `overlapping` is the position of the policy, the rest are those of the others.
fn shared_by(policies: &[ServicePolicy], overlapping: &[usize]) -> Vec<SharedTcpPort> {
    let Some((own, others)) = overlapping.split_first() else {
        return Vec::new();
    };
    let Some(policy) = policies.get(*own) else {
        return Vec::new();
    };
    let mut found: HashMap<u16, SharedTcpPort> = HashMap::new();
    for position in others {
        let Some(other) = policies.get(*position) else {
            continue;
        };
        for port in &other.tcp_ports {
            let shared = SharedTcpPort {
                port: *port,
                policy: *position,
                is_everywhere: covers_workloads_of(other, policy),
            };
            let known = found.entry(*port).or_insert(shared);
            if shared.is_everywhere && !known.is_everywhere {
                *known = shared;
            }
        }
    }
    let mut found: Vec<_> = found.into_values().collect();
    found.retain(|shared| !policy.tcp_ports.contains(&shared.port));
    found.sort_by_key(|shared| shared.port);
    found
}

impl ServicePolicy {
    /// Whether some of its workloads have ports without HTTP.
    pub fn has_ports_without_http(&self) -> bool {
        !(self.tcp_ports.is_empty() && self.shared_tcp_ports.is_empty())
    }

    /// Whether the policy is known to see no HTTP request: its service, or else each of its rules,
    /// has only ports without HTTP.
    pub fn is_without_http(&self) -> bool {
        let without_http = self.common_tcp_ports();
        let all = |ports: &mut dyn Iterator<Item = u16>| {
            let mut ports = ports.peekable();
            ports.peek().is_some() && ports.all(|port| without_http.contains(&port))
        };
        let Some(service) = &self.service else {
            return !self.rules.is_empty()
                && self.rules.iter().all(|rule| {
                    let mut operations = rule.operations.iter();
                    !rule.operations.is_empty()
                        && operations
                            .all(|operation| all(&mut operation.ports.any_of.iter().copied()))
                });
        };
        all(&mut service.ports.iter().map(|port| port.target_port))
    }

    /// The ports without HTTP of any of its workloads.
    pub(crate) fn all_tcp_ports(&self) -> Vec<u16> {
        let shared = self.shared_tcp_ports.iter().map(|shared| shared.port);
        self.tcp_ports.iter().copied().chain(shared).collect()
    }

    /// The ports without HTTP that all of its workloads have.
    pub(crate) fn common_tcp_ports(&self) -> Vec<u16> {
        let shared = self.shared_tcp_ports.iter();
        let everywhere = shared.filter(|shared| shared.is_everywhere);
        let own = self.tcp_ports.iter().copied();
        own.chain(everywhere.map(|shared| shared.port)).collect()
    }
}
