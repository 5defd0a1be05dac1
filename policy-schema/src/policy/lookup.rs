//! A workload as people name it → the policies for it, and its ports.

use std::collections::BTreeSet;

use super::{Attachment, Labels, PolicySet, ServicePolicy};

/// A policy whose `service` has a host, and the workload's own port where the host names one of the service's.
#[derive(Clone, Copy, Debug)]
pub struct ServiceAtHost<'s> {
    /// The policy that declares the service.
    pub policy: &'s ServicePolicy,
    /// The workload's own port.
    pub port: Option<u16>,
}

/// Why a host leads to no workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownHost {
    /// No policy declares such a service.
    NoService,
    /// The service has other ports than this one.
    NoPort {
        /// The port that the host names.
        port: u16,
        /// The service's ports.
        known: Vec<u16>,
    },
    /// Services of several namespaces have this name; each as `NAME.NAMESPACE`.
    Ambiguous(Vec<String>),
}

impl PolicySet {
    /// The policy whose `service` is reached at `host`: `NAME`, `NAME.NAMESPACE`, `NAME.NAMESPACE.svc` or the full name,
    /// with or without a port of the service. Of several policies for one service it is the first.
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

    /// The policy that leads at a workload of `policy` with these labels beyond those that it selects. A policy for the
    /// whole mesh does not say in which namespace the workload is, so no other leads it here.
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
        // A leader's rank is less than that of what it leads, so this ends.
        while let Some(next) = self.policies.iter().find(|other| {
            let leads = |position: usize| {
                let led = self.policies.get(position);
                led.is_some_and(|led| std::ptr::eq(led, leader))
            };
            other.rank < leader.rank
                && other.enforced_along().any(leads)
                && other.selects_all(&known)
        }) {
            leader = next;
        }
        leader
    }
}

impl ServicePolicy {
    /// The labels that the policy selects workloads by.
    pub fn selected_labels(&self) -> Option<&Labels> {
        match &self.attachment {
            Attachment::Workload(labels) | Attachment::Mesh(labels) => Some(labels),
            Attachment::Namespace | Attachment::Targets(_) => None,
        }
    }

    /// Whether pods with these labels are among those that the policy selects.
    fn selects_all(&self, labels: &Labels) -> bool {
        let mut wanted = self.selected_labels().into_iter().flatten();
        wanted.all(|(key, value)| labels.get(key) == Some(value))
    }

    /// The workload's own ports with HTTP that its `service` declares.
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
