//! Renders external hosts to `ServiceEntry` (Istio, networking.istio.io): the external hosts that a
//! namespace calls.

use std::collections::BTreeMap;

use serde::Serialize;

use super::api_version;
use super::resource::{Resource, ResourceKind, Spec, host_in_name, metadata};
use crate::document::{ExternalProtocol, TrafficSpec};
use crate::policy::{IstioVersion, PolicySet};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceEntrySpec {
    hosts: [String; 1],
    ports: Vec<Port>,
    location: &'static str,
    resolution: &'static str,
    export_to: [&'static str; 1],
}

impl Spec for ServiceEntrySpec {
    fn kind(&self) -> ResourceKind {
        ResourceKind::ServiceEntry
    }

    fn api_version(&self, istio: IstioVersion) -> &'static str {
        api_version::networking(istio)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Port {
    number: u16,
    name: String,
    protocol: &'static str,
}

/// A host outside the mesh, combined from all policies of a namespace.
pub(super) struct ExternalHost<'s> {
    pub(super) namespace: &'s str,
    pub(super) host: &'s str,
    pub(super) traffic: &'s TrafficSpec,
    ports: BTreeMap<u16, ExternalProtocol>,
}

impl ExternalHost<'_> {
    /// The name of the objects for the host.
    pub(super) fn object_name(&self) -> String {
        format!("external.{}", host_in_name(self.host))
    }

    /// The part of the documents that the objects for the host are rendered from.
    pub(super) fn source(&self) -> String {
        format!(
            "external host `{}` of namespace `{}`",
            self.host, self.namespace
        )
    }
}

/// The external hosts of each namespace.
pub(super) fn external_hosts(set: &PolicySet) -> impl Iterator<Item = ExternalHost<'_>> {
    let mut hosts: BTreeMap<(&str, &str), ExternalHost<'_>> = BTreeMap::new();
    for policy in &set.policies {
        for external in &policy.external_hosts {
            let (namespace, host) = (policy.name.namespace.as_str(), external.host.as_str());
            let overlapping = hosts
                .entry((namespace, host))
                .or_insert_with(|| ExternalHost {
                    namespace,
                    host,
                    traffic: &external.traffic,
                    ports: BTreeMap::new(),
                });
            let ports = external.ports.iter();
            overlapping
                .ports
                .extend(ports.map(|port| (port.port, port.protocol)));
        }
    }
    hosts.into_values()
}

/// The objects for the external hosts.
pub(super) fn service_entries(set: &PolicySet) -> Vec<Resource> {
    let objects = external_hosts(set).map(|external| {
        let spec = ServiceEntrySpec {
            hosts: [external.host.to_owned()],
            ports: external.ports.iter().map(port).collect(),
            location: "MESH_EXTERNAL",
            // The hosts of a wildcard are unknown until one is called.
            resolution: if external.host.starts_with('*') {
                "NONE"
            } else {
                "DNS"
            },
            export_to: ["."],
        };
        Resource::new(
            set.mesh.istio_version,
            metadata(external.object_name(), external.namespace),
            spec,
        )
        .with_source(external.source())
    });
    objects.collect()
}

fn port((number, protocol): (&u16, &ExternalProtocol)) -> Port {
    let (prefix, protocol) = match protocol {
        ExternalProtocol::Tls => ("tls", "TLS"),
        ExternalProtocol::Http => ("http", "HTTP"),
        ExternalProtocol::Tcp => ("tcp", "TCP"),
    };
    Port {
        number: *number,
        name: format!("{prefix}-{number}"),
        protocol,
    }
}
