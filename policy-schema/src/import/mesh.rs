//! Mesh config → `Mesh`.

use serde_json::Value;

use super::mutual_tls::{self, MutualTls};
use super::resources::{NOWHERE, Resources};
use super::{Finding, Options};
use crate::document::{
    Defaults, MeshDocument, MeshKind, MeshMetadata, MeshSpec, Mtls, PathNormalization, TlsVersion,
};
use crate::identity::is_trust_domain;
use crate::plugin_config::ApiVersion;
use crate::policy::IstioVersion;
use crate::rule_spec::Otherwise;

/// What Istio takes without a mesh config.
const TRUST_DOMAIN: &str = "cluster.local";
const ROOT_NAMESPACE: &str = "istio-system";

/// The mesh as it is imported, and what is known of it.
pub(super) struct ImportedMesh {
    pub(super) document: MeshDocument,
    pub(super) istio_version: IstioVersion,
    /// Whether the input says which trust domains the mesh has.
    pub(super) are_trust_domains_known: bool,
}

impl ImportedMesh {
    pub(super) fn root_namespace(&self) -> &str {
        let root_namespace = self.document.spec.root_namespace.as_deref();
        root_namespace.unwrap_or(ROOT_NAMESPACE)
    }
}

pub(super) fn mesh(
    resources: &Resources,
    options: &Options,
    findings: &mut Vec<Finding>,
    open: &mut Vec<String>,
) -> ImportedMesh {
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
    let mut stated =
        |key: &'static str, flag: &str, stated: Option<&str>, default: &'static str| {
            let of_config = config.map(|_| text(key).unwrap_or(default));
            if let (Some(of_config), Some(stated)) = (of_config, stated)
                && of_config != stated
            {
                findings.push(Finding {
                    place,
                    is_refused: true,
                    message: format!(
                        "`{key}` of the mesh config is `{of_config}`, and `{flag}` says `{stated}`"
                    ),
                });
            }
            of_config.or(stated).map(str::to_owned)
        };
    let trust_domain = options.trust_domain.as_deref();
    let trust_domain = stated("trustDomain", "--trust-domain", trust_domain, TRUST_DOMAIN);
    let root_namespace = options.root_namespace.as_deref();
    let root_namespace = stated(
        "rootNamespace",
        "--root-namespace",
        root_namespace,
        ROOT_NAMESPACE,
    );
    if config.is_none() {
        open.push(assumed_config(
            trust_domain.is_none(),
            root_namespace.is_none(),
        ));
    }
    let istio_version = options.istio_version.unwrap_or(IstioVersion::NEWEST);
    if options.istio_version.is_none() {
        open.push(format!(
            "Istio {istio_version} is assumed; set it with `--istio-version 1.NN`"
        ));
    }
    let trust_domain = trust_domain.unwrap_or_else(|| TRUST_DOMAIN.to_owned());
    let root_namespace = root_namespace.unwrap_or_else(|| ROOT_NAMESPACE.to_owned());
    let (aliases, unread): (Vec<&Value>, Vec<&Value>) = field("trustDomainAliases")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .partition(|alias| alias.is_string());
    for alias in unread {
        findings.push(Finding {
            place,
            is_refused: true,
            message: format!("`{alias}` in `trustDomainAliases` is not text"),
        });
    }
    let aliases: Vec<_> = aliases.into_iter().filter_map(Value::as_str).collect();
    for name in std::iter::once(&trust_domain.as_str()).chain(&aliases) {
        if !is_trust_domain(name) {
            findings.push(Finding {
                place,
                is_refused: true,
                message: format!("`{name}` is not a trust domain that an identity can have"),
            });
        }
    }
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
    // Without a mesh config nothing is known of it, and the language's own default is the strict one.
    let min_version = config.map(|_| match min_version.and_then(Value::as_str) {
        Some("TLSV1_3") => TlsVersion::V1_3,
        _ => TlsVersion::V1_2,
    });
    let MutualTls {
        mode,
        exceptions,
        open: open_mode,
    } = mutual_tls::mutual_tls(
        &resources.peer_authentications,
        &root_namespace,
        options.exceptions.as_ref(),
        findings,
    );
    open.extend(open_mode);
    if options.exceptions.is_none() && !exceptions.is_empty() {
        open.push("exceptions from strict mutual TLS need an owner and an end: fill in `owner` and `notAfter`, or use `--owner` and `--exceptions-until`; the documents are refused until then".to_owned());
    }
    let mtls = Mtls {
        mode,
        min_version,
        exceptions: Some(exceptions).filter(|exceptions| !exceptions.is_empty()),
    };
    let document = MeshDocument {
        api_version: ApiVersion::V1Alpha1,
        kind: MeshKind::Mesh,
        metadata: MeshMetadata {
            name: "mesh".to_owned(),
            labels: None,
            annotations: None,
        },
        spec: MeshSpec {
            trust_domain,
            trust_domain_aliases: (!aliases.is_empty())
                .then(|| aliases.into_iter().map(str::to_owned).collect()),
            root_namespace: Some(root_namespace).filter(|name| name != ROOT_NAMESPACE),
            istio_version: istio_version.to_string(),
            mtls: Some(mtls).filter(|mtls| *mtls != Mtls::default()),
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
    };
    ImportedMesh {
        document,
        istio_version,
        are_trust_domains_known: config.is_some(),
    }
}

/// What is assumed without a mesh config, beside what the options say.
fn assumed_config(assumes_trust_domain: bool, assumes_root_namespace: bool) -> String {
    let assumed = [
        assumes_trust_domain
            .then(|| format!("the trust domain `{TRUST_DOMAIN}` (`--trust-domain`)")),
        assumes_root_namespace
            .then(|| format!("the root namespace `{ROOT_NAMESPACE}` (`--root-namespace`)")),
        Some("no trust domain aliases, and Istio's default path normalization".to_owned()),
    ];
    let assumed: Vec<_> = assumed.into_iter().flatten().collect();
    format!(
        "the input has no mesh config, such as the ConfigMap `istio`; assumed are {}",
        assumed.join(", ")
    )
}
