//! Renders policies to `Sidecar` (Istio, networking.istio.io). Proxies reach services that policies
//! let their workloads call, and external hosts in the workloads' own policies.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::api_version;
use super::resource::{Resource, ResourceKind, Spec, metadata};
use crate::document::Outbound;
use crate::policy::{
    Attachment, IstioVersion, Labels, MeshCaller, PolicySet, Reachability, ServicePolicy,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SidecarSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    workload_selector: Option<WorkloadSelector>,
    egress: [Egress; 1],
    outbound_traffic_policy: OutboundTrafficPolicy,
}

impl Spec for SidecarSpec {
    fn kind(&self) -> ResourceKind {
        ResourceKind::Sidecar
    }

    fn api_version(&self, istio: IstioVersion) -> &'static str {
        api_version::networking(istio)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct WorkloadSelector {
    labels: Labels,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Egress {
    hosts: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct OutboundTrafficPolicy {
    mode: &'static str,
}

/// The objects: one for the mesh, one for each namespace, and one for each workload with a known
/// service account.
pub(super) fn sidecars(set: &PolicySet) -> Vec<Resource> {
    if set.mesh.outbound == Outbound::Any {
        return Vec::new();
    }
    let reachability = Reachability::new(set);
    let mut resources = namespace_sidecars(set, &reachability);
    resources.extend(workload_sidecars(set, &reachability));
    resources
}

/// The objects of namespaces. The one of the root namespace applies to the mesh.
fn namespace_sidecars(set: &PolicySet, reachability: &Reachability<'_>) -> Vec<Resource> {
    let mut external: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for policy in &set.policies {
        let of_namespace = external.entry(&policy.name.namespace).or_default();
        of_namespace.extend(external_hosts(policy));
    }
    let root = set.mesh.root_namespace.as_str();
    let mut namespaces = reachability.namespaces();
    namespaces.extend(external.keys());
    namespaces.insert(root);
    let objects = namespaces.into_iter().map(|namespace| {
        let caller = MeshCaller {
            namespace,
            service_account: None,
        };
        let mut reached = reachability.callable_by(caller);
        if namespace == root {
            // Namespaces without an object of their own use this one.
            reached.extend(reachability.callable_by_anyone());
        }
        let mut hosts = hosts_of(reached, set);
        hosts.extend(external.remove(namespace).unwrap_or_default());
        let object = object(set, "default", namespace, None, hosts);
        object.with_source(format!("namespace `{namespace}`"))
    });
    objects.collect()
}

/// The objects of workloads with a known service account.
fn workload_sidecars(set: &PolicySet, reachability: &Reachability<'_>) -> Vec<Resource> {
    let mut resources = Vec::new();
    let overlapping = set.overlapping_policies();
    for (policy, overlapping) in set.policies.iter().zip(overlapping) {
        let (Attachment::Workload(labels), Some(account)) =
            (&policy.attachment, &policy.service_account)
        else {
            continue;
        };
        // Istio supports one object per workload, and of two for the same workload neither can be
        // dropped.
        let selects = |other: &&ServicePolicy| matches!(other.attachment, Attachment::Workload(_));
        let others = overlapping
            .iter()
            .filter_map(|position| set.policies.get(*position));
        if others.filter(selects).count() > 1 {
            continue;
        }
        let caller = MeshCaller {
            namespace: &policy.name.namespace,
            service_account: Some(account),
        };
        let mut hosts = hosts_of(reachability.callable_by(caller), set);
        hosts.extend(external_hosts(policy));
        let (namespace, name) = policy.name.as_pair();
        let object = object(set, &name_of(name), namespace, Some(labels), hosts);
        resources.push(object.with_policy(&policy.name));
    }
    resources
}

/// The object for the workloads of a namespace with these labels, or for all of them.
fn object(
    set: &PolicySet,
    name: &str,
    namespace: &str,
    labels: Option<&Labels>,
    hosts: BTreeSet<String>,
) -> Resource {
    let spec = SidecarSpec {
        workload_selector: labels.map(|labels| WorkloadSelector {
            labels: labels.clone(),
        }),
        egress: [Egress {
            hosts: hosts.into_iter().collect(),
        }],
        outbound_traffic_policy: OutboundTrafficPolicy {
            mode: "REGISTRY_ONLY",
        },
    };
    Resource::new(set.mesh.istio_version, metadata(name, namespace), spec)
}

/// The name of a policy's object. It differs from that of the namespace's object.
fn name_of(policy: &str) -> String {
    if policy == "default" {
        // Policy names have no dots, so this name is free.
        "policy.default".to_owned()
    } else {
        policy.to_owned()
    }
}

/// The services of these policies, those of Istio itself, and those that proxies call themselves.
fn hosts_of(policies: BTreeSet<usize>, set: &PolicySet) -> BTreeSet<String> {
    let policies = policies
        .into_iter()
        .filter_map(|position| set.policies.get(position));
    let hosts = policies.filter_map(|policy| {
        let namespace = &policy.name.namespace;
        let host = policy.service.as_ref()?.host(namespace, &set.mesh);
        Some(format!("{namespace}/{host}"))
    });
    let by_themselves = set.mesh.proxy_destinations().into_iter();
    let by_themselves = by_themselves.map(|(host, _)| format!("*/{host}"));
    hosts
        .chain([format!("{}/*", set.mesh.root_namespace)])
        .chain(by_themselves)
        .collect()
}

fn external_hosts(policy: &ServicePolicy) -> impl Iterator<Item = String> {
    let hosts = policy.external_hosts.iter();
    hosts.map(|external| format!("./{}", external.host))
}
