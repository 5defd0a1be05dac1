//! Mesh config → `Mesh`.

use serde_json::Value;

use super::mutual_tls::{self, MutualTls};
use super::resources::{NOWHERE, Resources};
use super::{Finding, Options, Outcome};
use crate::diagnostic::Place;
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

/// What a mesh config says; nothing where the input has none.
struct MeshConfig<'c> {
    config: Option<&'c Value>,
    place: Place,
    findings: &'c mut Vec<Finding>,
}

pub(super) fn mesh(
    resources: &Resources,
    options: &Options,
    findings: &mut Vec<Finding>,
    open: &mut Vec<String>,
) -> ImportedMesh {
    let mut config = MeshConfig::of(resources, findings);
    let (own, root) = (
        options.trust_domain.as_deref(),
        options.root_namespace.as_deref(),
    );
    let trust_domain = config.stated("trustDomain", "--trust-domain", own, TRUST_DOMAIN);
    let root_namespace = config.stated("rootNamespace", "--root-namespace", root, ROOT_NAMESPACE);
    let has_config = config.config.is_some();
    if !has_config {
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
    let aliases = config.aliases();
    for name in std::iter::once(&trust_domain).chain(&aliases) {
        if !is_trust_domain(name) {
            config.refuse(format!(
                "`{name}` is not a trust domain that an identity can have"
            ));
        }
    }
    let path_normalization = config.path_normalization();
    let min_version = config.min_version();
    let mtls = mtls(
        resources,
        &root_namespace,
        min_version,
        options,
        findings,
        open,
    );
    let spec = MeshSpec {
        trust_domain,
        trust_domain_aliases: Some(aliases).filter(|aliases| !aliases.is_empty()),
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
    };
    ImportedMesh {
        document: MeshDocument {
            api_version: ApiVersion::V1Alpha1,
            kind: MeshKind::Mesh,
            metadata: MeshMetadata {
                name: "mesh".to_owned(),
                labels: None,
                annotations: None,
            },
            spec,
        },
        istio_version,
        are_trust_domains_known: has_config,
    }
}

/// How workloads accept connections, with what is to be filled in.
fn mtls(
    resources: &Resources,
    root_namespace: &str,
    min_version: Option<TlsVersion>,
    options: &Options,
    findings: &mut Vec<Finding>,
    open: &mut Vec<String>,
) -> Mtls {
    let plan = options.exceptions.as_ref();
    let objects = &resources.peer_authentications;
    let is_known = !resources.has_unread_peer_authentication;
    let MutualTls {
        mode,
        exceptions,
        open: open_mode,
    } = if is_known {
        mutual_tls::mutual_tls(objects, root_namespace, plan, findings)
    } else {
        mutual_tls::left_to_cluster("a PeerAuthentication cannot be carried over")
    };
    open.extend(open_mode);
    if plan.is_none() && !exceptions.is_empty() {
        open.push("exceptions from strict mutual TLS need an owner and an end: fill in `owner` and `notAfter`, or use `--owner` and `--exceptions-until`; the documents are refused until then".to_owned());
    }
    Mtls {
        mode,
        min_version,
        exceptions: Some(exceptions).filter(|exceptions| !exceptions.is_empty()),
    }
}

impl<'c> MeshConfig<'c> {
    fn of(resources: &'c Resources, findings: &'c mut Vec<Finding>) -> Self {
        for other in resources.mesh_configs.iter().skip(1) {
            findings.push(Finding {
                place: other.place,
                outcome: Outcome::Fatal,
                message: "there is a mesh config already: import the resources of one mesh"
                    .to_owned(),
            });
        }
        let first = resources.mesh_configs.first();
        Self {
            config: first.map(|config| &config.resource),
            place: first.map_or(NOWHERE, |config| config.place),
            findings,
        }
    }

    fn field(&self, name: &str) -> Option<&'c Value> {
        self.config?.get(name)
    }

    fn refuse(&mut self, message: String) {
        self.findings.push(Finding {
            place: self.place,
            outcome: Outcome::Fatal,
            message,
        });
    }

    fn text(&mut self, name: &str, value: &'c Value) -> Option<&'c str> {
        let text = value.as_str();
        if text.is_none() {
            self.refuse(format!("`{value}` in `{name}` is not text"));
        }
        text
    }

    /// What the config says of `key`, or else the flag; none where neither says anything. Without the
    /// field a config means Istio's default.
    fn stated(
        &mut self,
        key: &str,
        flag: &str,
        stated: Option<&str>,
        default: &'static str,
    ) -> Option<String> {
        let of_config = match self.field(key) {
            Some(value) => self.text(key, value),
            None => self.config.map(|_| default),
        };
        if let (Some(of_config), Some(stated)) = (of_config, stated)
            && of_config != stated
        {
            self.refuse(format!(
                "`{key}` of the mesh config is `{of_config}`, and `{flag}` says `{stated}`"
            ));
        }
        of_config.or(stated).map(str::to_owned)
    }

    fn aliases(&mut self) -> Vec<String> {
        let key = "trustDomainAliases";
        let aliases = self.field(key).and_then(Value::as_array);
        aliases
            .into_iter()
            .flatten()
            .filter_map(|alias| self.text(key, alias).map(str::to_owned))
            .collect()
    }

    fn path_normalization(&mut self) -> Option<PathNormalization> {
        let normalization = self
            .field("pathNormalization")
            .and_then(|value| value.get("normalization"))
            .and_then(Value::as_str);
        match normalization {
            None | Some("DEFAULT" | "BASE") => None,
            Some("NONE") => Some(PathNormalization::None),
            Some("MERGE_SLASHES") => Some(PathNormalization::MergeSlashes),
            Some("DECODE_AND_MERGE_SLASHES") => Some(PathNormalization::DecodeAndMergeSlashes),
            Some(other) => {
                self.refuse(format!("`{other}` is no way of Istio's to normalise paths"));
                None
            }
        }
    }

    /// Without a config nothing is known of it, and the language's own default is the strict one.
    fn min_version(&self) -> Option<TlsVersion> {
        self.config?;
        let version = self
            .field("meshMTLS")
            .and_then(|value| value.get("minProtocolVersion"));
        Some(match version.and_then(Value::as_str) {
            Some("TLSV1_3") => TlsVersion::V1_3,
            _ => TlsVersion::V1_2,
        })
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
