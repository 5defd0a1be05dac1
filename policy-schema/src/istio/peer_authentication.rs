//! Renders a mesh to `PeerAuthentication` (Istio, security.istio.io): strict mutual TLS, and the
//! exceptions.
//!
//! `default` in the root namespace is the usual name of a cluster's own object. A mesh that does
//! not set the mode renders none, because it could replace a strict object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::api_version::v1_or_older;
use super::authorization_policy::LabelSelector;
use super::resource::{Resource, ResourceKind, Spec, metadata};
use crate::document::{ExceptionMode, MtlsMode};
use crate::policy::{IstioVersion, Mesh, MtlsException};

/// The content of a `PeerAuthentication`. Without selector it applies to the namespace, or from the
/// root namespace to the mesh.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PeerAuthenticationSpec {
    /// The pods that the object applies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
    /// How the pods accept connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtls: Option<MutualTls>,
    /// How single ports of the pods accept connections.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub port_level_mtls: BTreeMap<String, MutualTls>,
}

impl Spec for PeerAuthenticationSpec {
    fn kind(&self) -> ResourceKind {
        ResourceKind::PeerAuthentication
    }

    fn api_version(&self, istio: IstioVersion) -> &'static str {
        v1_or_older("security.istio.io/v1beta1", "security.istio.io/v1", istio)
    }
}

/// How connections are accepted.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MutualTls {
    /// The mode.
    #[serde(default)]
    pub mode: MutualTlsMode,
}

/// Whether connections need mutual TLS.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MutualTlsMode {
    /// Inherited from the workload, the namespace or the mesh. `Permissive` if none of them sets
    /// it.
    #[default]
    Unset,
    /// Only plaintext.
    Disable,
    /// Mutual TLS and plaintext.
    Permissive,
    /// Only mutual TLS.
    Strict,
}

/// The object for the mesh, and one for each exception. Empty if the cluster decides.
pub(super) fn peer_authentications(mesh: &Mesh) -> Vec<Resource> {
    let mode = match mesh.mtls.mode {
        None => return Vec::new(),
        Some(MtlsMode::Strict) => MutualTlsMode::Strict,
        Some(MtlsMode::Permissive) => MutualTlsMode::Permissive,
    };
    let of_mesh = PeerAuthenticationSpec {
        selector: None,
        mtls: Some(MutualTls { mode }),
        port_level_mtls: BTreeMap::new(),
    };
    let mut resources = vec![Resource::new(
        mesh.istio_version,
        metadata("default", &mesh.root_namespace),
        of_mesh,
    )];
    resources.extend(
        mesh.mtls
            .in_force()
            .map(|exception| exception_object(exception, mesh)),
    );
    resources
}

fn exception_object(exception: &MtlsException, mesh: &Mesh) -> Resource {
    let mutual_tls = MutualTls {
        mode: match exception.mode {
            ExceptionMode::Permissive => MutualTlsMode::Permissive,
            ExceptionMode::Disable => MutualTlsMode::Disable,
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
        // Ports that are not listed inherit from the namespace or the mesh.
        mtls: exception.ports.is_empty().then_some(mutual_tls),
        port_level_mtls: exception
            .ports
            .iter()
            .map(|port| (port.to_string(), mutual_tls))
            .collect(),
    };
    Resource::new(mesh.istio_version, metadata, spec)
        .with_source(format!("exception `{}` from mutual TLS", exception.name))
}
