//! Finds the policies and ports of a workload by the name of its service.

use std::collections::BTreeSet;

use super::{Attachment, Labels, PolicySet, ServicePolicy};

/// The policy of the service at a host, and the workload's port if the host names one of the
/// service's.
#[derive(Clone, Copy, Debug)]
pub struct ServiceAtHost<'s> {
    /// The policy that declares the service.
    pub policy: &'s ServicePolicy,
    /// The workload's own port.
    pub port: Option<u16>,
}

/// Why no workload was found for a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownHost {
    /// No policy declares such a service.
    NoService,
    /// The service does not have this port.
    NoPort {
        /// The port in the host.
        port: u16,
        /// The service's ports.
        known: Vec<u16>,
    },
    /// Services of several namespaces have this name. Each is given as `NAME.NAMESPACE`.
    Ambiguous(Vec<String>),
}

impl PolicySet {
    /// The policy whose `service` is reached at `host`: `NAME`, `NAME.NAMESPACE`,
    /// `NAME.NAMESPACE.svc` or the full name, with or without a port of the service. If several
    /// policies declare the service, the first.
    pub fn service_at(&self, host: &str) -> Result<ServiceAtHost<'_>, UnknownHost> {
        let (name, port) = split_port(host);
        let matches: Vec<_> = self
            .policies
            .iter()
            .filter(|policy| self.has_host(policy, name))
            .collect();
        let namespaces: BTreeSet<_> = matches
            .iter()
            .map(|policy| &policy.name.namespace)
            .collect();
        let (Some(policy), 1) = (matches.first().copied(), namespaces.len()) else {
            return Err(if matches.is_empty() {
                UnknownHost::NoService
            } else {
                let hosts = namespaces.iter().map(|space| format!("{name}.{space}"));
                UnknownHost::Ambiguous(hosts.collect())
            });
        };
        let Some(port) = port else {
            return Ok(ServiceAtHost { policy, port: None });
        };
        let ports = matches
            .iter()
            .filter_map(|policy| policy.service.as_ref())
            .flat_map(|service| &service.ports);
        let known: BTreeSet<_> = ports.clone().map(|known| known.port).collect();
        let mut target = ports.filter(|known| known.port == port);
        match target.next() {
            Some(found) => Ok(ServiceAtHost {
                policy,
                port: Some(found.target_port),
            }),
            None => Err(UnknownHost::NoPort {
                port,
                known: known.into_iter().collect(),
            }),
        }
    }

    fn has_host(&self, policy: &ServicePolicy, host: &str) -> bool {
        policy.service.as_ref().is_some_and(|service| {
            let full = service.host(&policy.name.namespace, &self.mesh);
            let short = [
                service.name.clone(),
                format!("{}.{}", service.name, policy.name.namespace),
                format!("{}.{}.svc", service.name, policy.name.namespace),
                full,
            ];
            short.iter().any(|name| name.eq_ignore_ascii_case(host))
        })
    }

    /// The leader at a workload of `policy` that has these labels in addition to those that
    /// `policy` selects. For a policy for the whole mesh, the workload's namespace is unknown, so
    /// it leads itself.
    pub fn leader_of<'s>(
        &'s self,
        policy: &'s ServicePolicy,
        labels: &Labels,
    ) -> &'s ServicePolicy {
        if matches!(policy.attachment, Attachment::Mesh(_)) {
            return policy;
        }
        let known: Labels = policy
            .selected_labels()
            .into_iter()
            .flatten()
            .chain(labels)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let mut leader = policy;
        // The rank falls with each step, so this ends.
        while let Some(next) = self.policies.iter().find(|other| {
            let leads = |position: usize| {
                let led = self.policies.get(position);
                led.is_some_and(|led| std::ptr::eq(led, leader))
            };
            other.rank < leader.rank && other.followers().any(leads) && other.selects_all(&known)
        }) {
            leader = next;
        }
        leader
    }
}

impl ServicePolicy {
    /// The labels by which the policy selects workloads.
    pub fn selected_labels(&self) -> Option<&Labels> {
        match &self.attachment {
            Attachment::Workload(labels) | Attachment::Mesh(labels) => Some(labels),
            Attachment::Namespace | Attachment::Targets(_) => None,
        }
    }

    /// Whether the policy selects all pods with these labels.
    fn selects_all(&self, labels: &Labels) -> bool {
        let mut wanted = self.selected_labels().into_iter().flatten();
        wanted.all(|(key, value)| labels.get(key) == Some(value))
    }

    /// The workload's own HTTP ports, as its `service` declares them.
    pub fn declared_http_ports(&self) -> BTreeSet<u16> {
        let declared = self.declared_ports();
        declared
            .filter(|port| !self.tcp_ports.contains(port))
            .collect()
    }

    /// The workload's own ports without HTTP.
    pub fn declared_tcp_ports(&self) -> BTreeSet<u16> {
        self.all_tcp_ports().into_iter().collect()
    }

    fn declared_ports(&self) -> impl Iterator<Item = u16> {
        let service = self.service.iter();
        service.flat_map(|service| service.ports.iter().map(|port| port.target_port))
    }
}

/// A host and its port, if it has one.
fn split_port(host: &str) -> (&str, Option<u16>) {
    let split = host
        .rsplit_once(':')
        .and_then(|(name, port)| Some((name, port.parse().ok()?)));
    split.map_or((host, None), |(name, port)| (name, Some(port)))
}
