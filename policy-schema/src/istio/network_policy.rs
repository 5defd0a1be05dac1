//! Renders policies to `NetworkPolicy` (Kubernetes, networking.k8s.io). A workload receives packets
//! only from callers that its policies may allow, and sends packets only to what it may call, even
//! if its proxy is bypassed.
//!
//! Packets have no identity. A service account is translated to the pods that policies declare for
//! it, or else to its namespace. These objects complement the other resources. They are not
//! narrower, provided that policies cover all pods of the accounts that they name.

use std::collections::BTreeMap;

use serde::Serialize;

use super::authorization_policy::LabelSelector;
use super::resource::{Resource, ResourceKind, Spec, metadata};
use crate::document::Outbound;
use crate::policy::{
    AllowedCallers, Attachment, IstioVersion, Labels, MeshCaller, PolicySet, Reachability,
    ServicePolicy,
};

/// The label with the name of a namespace, set by Kubernetes.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// The ports of Istio's agent in each pod: metrics and rewritten probes, its own health, and the
/// proxy's metrics.
const AGENT_PORTS: [u16; 3] = [15020, 15021, 15090];

/// The port where istiod serves certificates and configuration.
const ISTIOD_PORT: u16 = 15012;

/// The DNS port.
const DNS_PORT: u16 = 53;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NetworkPolicySpec {
    pod_selector: LabelSelector,
    policy_types: Vec<&'static str>,
    ingress: Vec<Ingress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    egress: Option<Vec<Egress>>,
}

impl Spec for NetworkPolicySpec {
    fn kind(&self) -> ResourceKind {
        ResourceKind::NetworkPolicy
    }

    fn api_version(&self, _: IstioVersion) -> &'static str {
        "networking.k8s.io/v1"
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Ingress {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Vec<Peer>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<Port>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Egress {
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Vec<Peer>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<Port>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
struct Peer {
    namespace_selector: Selector,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod_selector: Option<Selector>,
}

/// A label selector. Without labels, it selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
struct Selector {
    #[serde(skip_serializing_if = "Labels::is_empty")]
    match_labels: Labels,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Port {
    protocol: &'static str,
    port: u16,
}

/// The objects, one for each workload.
pub(super) fn network_policies(set: &PolicySet) -> Vec<Resource> {
    specs(set)
        .map(|(policy, spec)| {
            let (namespace, name) = policy.name.as_pair();
            let object = Resource::new(set.mesh.istio_version, metadata(name, namespace), spec);
            object.with_policy(&policy.name)
        })
        .collect()
}

/// The policies whose objects limit packets.
#[derive(Default)]
pub(super) struct Limits<'s> {
    pub(super) ingress: Vec<&'s ServicePolicy>,
    /// The policies whose objects admit every packet. Objects add up, so these cancel the limits of
    /// others.
    pub(super) open_ingress: Vec<&'s ServicePolicy>,
    pub(super) egress: Vec<&'s ServicePolicy>,
}

/// Determines which policies limit packets.
pub(super) fn limits(set: &PolicySet) -> Limits<'_> {
    let mut limits = Limits::default();
    for (policy, spec) in specs(set) {
        let mut ingress = spec.ingress.iter();
        if ingress.any(|ingress| ingress.from.is_none() && ingress.ports.is_empty()) {
            limits.open_ingress.push(policy);
        } else {
            limits.ingress.push(policy);
        }
        if spec.egress.is_some() {
            limits.egress.push(policy);
        }
    }
    limits
}

/// The objects of policies for a workload, created lazily.
fn specs(set: &PolicySet) -> impl Iterator<Item = (&ServicePolicy, NetworkPolicySpec)> {
    let made = set.mesh.network_policies.then(|| {
        let reachability = Reachability::new(set);
        let pods = pods_by_account(set);
        let policies = set.policies.iter().enumerate();
        policies.filter_map(move |(position, policy)| {
            let Attachment::Workload(labels) = &policy.attachment else {
                return None;
            };
            let egress = egress(policy, set, &reachability);
            let mut policy_types = vec!["Ingress"];
            policy_types.extend(egress.is_some().then_some("Egress"));
            let spec = NetworkPolicySpec {
                pod_selector: LabelSelector {
                    match_labels: labels.clone(),
                },
                policy_types,
                ingress: ingress(policy, &reachability.allowed_callers(position), &pods),
                egress,
            };
            Some((policy, spec))
        })
    });
    made.into_iter().flatten()
}

/// The pods of each service account that policies declare.
type Pods<'s> = BTreeMap<(&'s str, &'s str), Vec<&'s Labels>>;

fn pods_by_account(set: &PolicySet) -> Pods<'_> {
    let mut pods = Pods::new();
    for policy in &set.policies {
        if let (Attachment::Workload(labels), Some(account)) =
            (&policy.attachment, &policy.service_account)
        {
            let account = (policy.name.namespace.as_str(), account.as_str());
            pods.entry(account).or_default().push(labels);
        }
    }
    pods
}

fn ingress(policy: &ServicePolicy, callers: &[AllowedCallers], pods: &Pods<'_>) -> Vec<Ingress> {
    let peers = peers(callers, pods);
    let mut ingress = Vec::new();
    if peers.as_ref().is_none_or(|peers| !peers.is_empty()) {
        ingress.push(Ingress {
            from: peers,
            ports: own_ports(policy),
        });
    }
    ingress.push(Ingress {
        from: Some(vec![Peer::default()]),
        ports: AGENT_PORTS.map(tcp).into(),
    });
    ingress
}

/// The callers as pods. None if they may be outside the cluster.
fn peers(callers: &[AllowedCallers], pods: &Pods<'_>) -> Option<Vec<Peer>> {
    let mut peers = Vec::new();
    for callers in callers {
        match callers {
            AllowedCallers::Anonymous => return None,
            AllowedCallers::AnyIdentity | AllowedCallers::Pattern => peers.push(Peer::default()),
            AllowedCallers::Namespaces(namespaces) => {
                peers.extend(namespaces.iter().map(|name| peer(name, None)));
            }
            AllowedCallers::Accounts(accounts) => {
                for (namespace, name) in accounts {
                    match pods.get(&(namespace.as_str(), name.as_str())) {
                        Some(pods) => {
                            peers.extend(pods.iter().map(|labels| peer(namespace, Some(labels))));
                        }
                        None => peers.push(peer(namespace, None)),
                    }
                }
            }
        }
    }
    peers.sort();
    peers.dedup();
    Some(peers)
}

fn peer(namespace: &str, labels: Option<&Labels>) -> Peer {
    Peer {
        namespace_selector: Selector {
            match_labels: [(NAMESPACE_NAME.to_owned(), namespace.to_owned())].into(),
        },
        pod_selector: labels.map(|labels| Selector {
            match_labels: labels.clone(),
        }),
    }
}

/// The ports of a workload. Empty for all ports, if no policy declares them.
fn own_ports(policy: &ServicePolicy) -> Vec<Port> {
    let services = policy.service.iter().flat_map(|service| &service.ports);
    let mut ports: Vec<_> = services.map(|port| port.target_port).collect();
    if !ports.is_empty() {
        ports.extend(&policy.tcp_ports);
    }
    ports.sort_unstable();
    ports.dedup();
    ports.into_iter().map(tcp).collect()
}

/// The allowed destinations of the workload. None if they are not declared.
fn egress(
    policy: &ServicePolicy,
    set: &PolicySet,
    reachability: &Reachability<'_>,
) -> Option<Vec<Egress>> {
    let account = policy.service_account.as_deref()?;
    if set.mesh.outbound == Outbound::Any {
        return None;
    }
    let caller = MeshCaller {
        namespace: &policy.name.namespace,
        service_account: Some(account),
    };
    let istiod = peer(&set.mesh.root_namespace, None);
    let dns = ["UDP", "TCP"].map(|protocol| Port {
        protocol,
        port: DNS_PORT,
    });
    let mut egress = vec![
        Egress {
            to: Some(vec![istiod]),
            ports: vec![tcp(ISTIOD_PORT)],
        },
        // DNS, at any address: the resolver may run on the node itself.
        Egress {
            to: None,
            ports: dns.into(),
        },
    ];
    for position in reachability.callable_by(caller) {
        let Some(service) = set.policies.get(position) else {
            continue;
        };
        if let Attachment::Workload(labels) = &service.attachment {
            egress.push(Egress {
                to: Some(vec![peer(&service.name.namespace, Some(labels))]),
                ports: own_ports(service),
            });
        }
    }
    for (host, port) in set.mesh.proxy_destinations() {
        egress.push(to_host(host, port, set));
    }
    // Packets have no host names, so external hosts are limited only by port. The agent in the pod
    // also fetches the filter, without which the proxy denies all requests.
    let external = policy.external_hosts.iter().flat_map(|host| &host.ports);
    let mut ports: Vec<_> = external.map(|port| port.port).collect();
    ports.extend(set.mesh.filter_port());
    ports.sort_unstable();
    ports.dedup();
    if !ports.is_empty() {
        egress.push(Egress {
            to: None,
            ports: ports.into_iter().map(tcp).collect(),
        });
    }
    Some(merged(egress))
}

/// Merges equal destinations and their ports. No ports means all ports.
fn merged(egress: Vec<Egress>) -> Vec<Egress> {
    let mut merged: Vec<Egress> = Vec::new();
    let mut positions: BTreeMap<Option<Vec<Peer>>, usize> = BTreeMap::new();
    for one in egress {
        let next = merged.len();
        let position = *positions.entry(one.to.clone()).or_insert(next);
        match merged.get_mut(position) {
            None => merged.push(one),
            Some(known) if known.ports.is_empty() || one.ports.is_empty() => known.ports.clear(),
            Some(known) => {
                let more = one.ports.into_iter();
                let more: Vec<_> = more.filter(|port| !known.ports.contains(port)).collect();
                known.ports.extend(more);
            }
        }
    }
    merged
}

/// The destination of a service that proxies call themselves.
fn to_host(host: &str, port: u16, set: &PolicySet) -> Egress {
    let is_there = |policy: &&ServicePolicy| {
        let service = policy.service.as_ref();
        service.is_some_and(|service| service.host(&policy.name.namespace, &set.mesh) == host)
    };
    if let Some(policy) = set.policies.iter().find(is_there)
        && let Attachment::Workload(labels) = &policy.attachment
    {
        return Egress {
            to: Some(vec![peer(&policy.name.namespace, Some(labels))]),
            ports: own_ports(policy),
        };
    }
    let in_cluster = host.strip_suffix(&format!(".svc.{}", set.mesh.cluster_domain));
    match in_cluster.and_then(|name| name.rsplit_once('.')) {
        // The service's target ports are unknown.
        Some((_, namespace)) => Egress {
            to: Some(vec![peer(namespace, None)]),
            ports: Vec::new(),
        },
        None => Egress {
            to: None,
            ports: vec![tcp(port)],
        },
    }
}

fn tcp(port: u16) -> Port {
    Port {
        protocol: "TCP",
        port,
    }
}
