//! Mesh config and `PeerAuthentication` → `Mesh`.

use serde_json::Value;

use super::Finding;
use super::resources::{NOWHERE, Placed, Resources};
use crate::document::{
    Defaults, MeshDocument, MeshKind, MeshMetadata, MeshSpec, Mtls, MtlsMode, PathNormalization,
    TlsVersion,
};
use crate::identity::is_trust_domain;
use crate::plugin_config::ApiVersion;
use crate::policy::IstioVersion;
use crate::rule_spec::Otherwise;

/// What Istio takes without a mesh config.
const TRUST_DOMAIN: &str = "cluster.local";
pub(super) const ROOT_NAMESPACE: &str = "istio-system";

pub(super) fn mesh(
    resources: &Resources,
    istio_version: IstioVersion,
    findings: &mut Vec<Finding>,
) -> MeshDocument {
    for other in resources.mesh_configs.iter().skip(1) {
        findings.push(Finding {
            place: other.place,
            is_refused: true,
            message: "there is a mesh config already: import the resources of one mesh".to_owned(),
        });
    }
    let config = resources.mesh_configs.first();
    let place = config.map_or(NOWHERE, |config| config.place);
    let field = |name| config.and_then(|config| config.resource.get(name));
    let text = |name| field(name).and_then(Value::as_str);
    let trust_domain = text("trustDomain").unwrap_or(TRUST_DOMAIN);
    let aliases: Vec<_> = field("trustDomainAliases")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for name in std::iter::once(&trust_domain).chain(&aliases) {
        if !is_trust_domain(name) {
            findings.push(Finding {
                place,
                is_refused: true,
                message: format!("`{name}` is not a trust domain that an identity can have"),
            });
        }
    }
    let root_namespace = text("rootNamespace").filter(|name| *name != ROOT_NAMESPACE);
    let normalization = field("pathNormalization")
        .and_then(|value| value.get("normalization"))
        .and_then(Value::as_str);
    let path_normalization = match normalization {
        None | Some("DEFAULT" | "BASE") => None,
        Some("NONE") => Some(PathNormalization::None),
        Some("MERGE_SLASHES") => Some(PathNormalization::MergeSlashes),
        Some("DECODE_AND_MERGE_SLASHES") => Some(PathNormalization::DecodeAndMergeSlashes),
        Some(other) => {
            findings.push(Finding {
                place,
                is_refused: true,
                message: format!("`{other}` is no way of Istio's to normalise paths"),
            });
            None
        }
    };
    let min_version = field("meshMTLS").and_then(|value| value.get("minProtocolVersion"));
    let min_version = match min_version.and_then(Value::as_str) {
        Some("TLSV1_3") => TlsVersion::V1_3,
        _ => TlsVersion::V1_2,
    };
    let mode = mtls_mode(
        &resources.peer_authentications,
        root_namespace.unwrap_or(ROOT_NAMESPACE),
        findings,
    );
    MeshDocument {
        api_version: ApiVersion::V1Alpha1,
        kind: MeshKind::Mesh,
        metadata: MeshMetadata {
            name: "mesh".to_owned(),
            labels: None,
            annotations: None,
        },
        spec: MeshSpec {
            trust_domain: trust_domain.to_owned(),
            trust_domain_aliases: (!aliases.is_empty())
                .then(|| aliases.into_iter().map(str::to_owned).collect()),
            root_namespace: root_namespace.map(str::to_owned),
            istio_version: istio_version.to_string(),
            mtls: Some(Mtls {
                mode: Some(mode),
                min_version: Some(min_version),
                exceptions: None,
            }),
            path_normalization,
            // A policy that denies everything in the whole mesh is imported as such.
            defaults: Some(Defaults {
                otherwise: Some(Otherwise::Pass),
                ..Defaults::default()
            }),
            filter: None,
            revision: None,
            certificates: None,
            cluster_domain: None,
            outbound: None,
            network_policies: None,
            gateways: None,
            telemetry: None,
        },
    }
}

/// Strict only where the whole mesh is, without exceptions: to a mesh that is not, callers without
/// identity may come anywhere.
fn mtls_mode(
    objects: &[Placed<Value>],
    root_namespace: &str,
    findings: &mut Vec<Finding>,
) -> MtlsMode {
    let mut is_strict = false;
    let mut has_exception = false;
    for Placed {
        resource, place, ..
    } in objects
    {
        let at = |pointer| resource.pointer(pointer);
        let mode = at("/spec/mtls/mode").and_then(Value::as_str);
        let namespace = at("/metadata/namespace").and_then(Value::as_str);
        let is_mesh_wide = namespace == Some(root_namespace) && at("/spec/selector").is_none();
        let accepts_plaintext = |mode: &str| matches!(mode, "PERMISSIVE" | "DISABLE");
        let ports = at("/spec/portLevelMtls").and_then(Value::as_object);
        let port_modes = ports
            .into_iter()
            .flat_map(|ports| ports.values())
            .filter_map(|port| port.get("mode").and_then(Value::as_str));
        let excepts =
            mode.is_some_and(accepts_plaintext) || port_modes.into_iter().any(accepts_plaintext);
        is_strict |= is_mesh_wide && mode == Some("STRICT");
        has_exception |= excepts;
        if !is_mesh_wide {
            findings.push(Finding {
                place: *place,
                is_refused: false,
                message: if excepts {
                    "a `Mesh` has one mode of mutual TLS: because of this exception it is `Permissive`"
                } else {
                    "a `Mesh` has one mode of mutual TLS: this object stays beside it"
                }
                .to_owned(),
            });
        }
    }
    if is_strict && !has_exception {
        MtlsMode::Strict
    } else {
        MtlsMode::Permissive
    }
}
