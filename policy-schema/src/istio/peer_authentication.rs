//! Mesh → `PeerAuthentication` (Istio, security.istio.io): strict mutual TLS, and the exceptions.

use std::collections::BTreeMap;

use serde::Serialize;

use super::authorization_policy::LabelSelector;
use super::resource::{Resource, Spec, metadata};
use crate::document::{ExceptionMode, MtlsMode};
use crate::policy::{Mesh, MtlsException};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PeerAuthenticationSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    selector: Option<LabelSelector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtls: Option<MutualTls>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    port_level_mtls: BTreeMap<String, MutualTls>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct MutualTls {
    mode: &'static str,
}

/// The object for the mesh, and one for each exception.
pub(super) fn peer_authentications(mesh: &Mesh) -> Vec<Resource> {
    let mode = match mesh.mtls.mode {
        MtlsMode::Strict => "STRICT",
        MtlsMode::Permissive => "PERMISSIVE",
    };
    let of_mesh = PeerAuthenticationSpec {
        selector: None,
        mtls: Some(MutualTls { mode }),
        port_level_mtls: BTreeMap::new(),
    };
    let mut resources = vec![Resource::new(
        mesh.istio_version,
        metadata("default", &mesh.root_namespace),
        Spec::PeerAuthentication(of_mesh),
    )];
    resources.extend(
        mesh.mtls
            .exceptions
            .iter()
            .map(|exception| of_exception(exception, mesh)),
    );
    resources
}

fn of_exception(exception: &MtlsException, mesh: &Mesh) -> Resource {
    let mutual_tls = MutualTls {
        mode: match exception.mode {
            ExceptionMode::Permissive => "PERMISSIVE",
            ExceptionMode::Disable => "DISABLE",
        },
    };
    let mut metadata = metadata(&exception.name, &exception.namespace);
    let annotations = [
        ("peergate.dev/owner", exception.owner.clone()),
        ("peergate.dev/not-after", exception.not_after.to_string()),
    ];
    metadata.annotations = annotations
        .map(|(key, value)| (key.to_owned(), value))
        .into();
    let spec = PeerAuthenticationSpec {
        selector: exception
            .labels
            .clone()
            .map(|match_labels| LabelSelector { match_labels }),
        // Ports that are not named inherit from the namespace or the mesh.
        mtls: exception.ports.is_empty().then_some(mutual_tls),
        port_level_mtls: exception
            .ports
            .iter()
            .map(|port| (port.to_string(), mutual_tls))
            .collect(),
    };
    Resource::new(mesh.istio_version, metadata, Spec::PeerAuthentication(spec))
        .made_of(format!("exception `{}` from mutual TLS", exception.name))
}
