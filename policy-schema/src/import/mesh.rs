//! Imports the mesh config to the `Mesh`.

use std::collections::BTreeSet;

use super::mutual_tls::{self, MutualTls};
use super::resources::{NOWHERE, Resources};
use super::{Finding, Options, Outcome};
use crate::diagnostic::Place;
use crate::document::{
    Defaults, MeshDocument, MeshKind, MeshMetadata, MeshSpec, Mtls, PathNormalization, TlsVersion,
};
use crate::identity::is_trust_domain;
use crate::mesh_config::{MeshConfig, ROOT_NAMESPACE, TRUST_DOMAIN};
use crate::plugin_config::ApiVersion;
use crate::policy::IstioVersion;
use crate::rule_spec::Otherwise;

/// The imported mesh, and what is known about it.
pub(super) struct ImportedMesh {
    pub(super) document: MeshDocument,
    pub(super) istio_version: IstioVersion,
    /// Whether the input contains the trust domains of the mesh.
    pub(super) are_trust_domains_known: bool,
}

impl ImportedMesh {
    pub(super) fn root_namespace(&self) -> &str {
        let root_namespace = self.document.spec.root_namespace.as_deref();
        root_namespace.unwrap_or(ROOT_NAMESPACE)
    }
}

/// The mesh config of the input, if it has one.
struct InputConfig<'c> {
    config: Option<&'c MeshConfig>,
    place: Place,
    findings: &'c mut Vec<Finding>,
}

/// The names of the mesh.
struct Names {
    trust_domain: String,
    aliases: Vec<String>,
    root_namespace: String,
}

pub(super) fn mesh(
    resources: &Resources,
    options: &Options,
    findings: &mut Vec<Finding>,
    open: &mut Vec<String>,
) -> ImportedMesh {
    let mut config = InputConfig::new(resources, findings);
    let has_config = config.config.is_some();
    let names = config.names(options, open);
    let istio_version = config.istio_version(resources, options, open);
    config.refuse_trust_domains(&names);
    let path_normalization = config.path_normalization();
    let min_version = config.min_version();
    let Names {
        trust_domain,
        aliases,
        root_namespace,
    } = names;
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
        // A policy that denies everything in the whole mesh is imported as a policy.
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
        extension_providers: None,
        telemetry: None,
    };
    ImportedMesh {
        document: document(spec),
        istio_version,
        are_trust_domains_known: has_config,
    }
}

fn document(spec: MeshSpec) -> MeshDocument {
    MeshDocument {
        api_version: ApiVersion::V1Alpha1,
        kind: MeshKind::Mesh,
        metadata: MeshMetadata {
            name: "mesh".to_owned(),
            labels: None,
            annotations: None,
        },
        spec,
    }
}

/// How workloads accept connections, with placeholders for fields that users must fill in.
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
        mutual_tls::left_to_cluster("a PeerAuthentication cannot be imported")
    };
    open.extend(open_mode);
    if plan.is_none() && !exceptions.is_empty() {
        open.push("exceptions from strict mutual TLS need an owner and an end date: fill in `owner` and `notAfter`, or use `--owner` and `--exceptions-until`; until then, validation fails".to_owned());
    }
    Mtls {
        mode,
        min_version,
        exceptions: Some(exceptions).filter(|exceptions| !exceptions.is_empty()),
    }
}

impl<'c> InputConfig<'c> {
    fn new(resources: &'c Resources, findings: &'c mut Vec<Finding>) -> Self {
        let first = resources.mesh_configs.first();
        for other in resources.mesh_configs.iter().skip(1) {
            if first.is_some_and(|first| imported(&first.config) != imported(&other.config)) {
                findings.push(Finding {
                    place: other.place,
                    outcome: Outcome::Fatal,
                    message: "the input has another mesh config with different content: import the resources of one mesh"
                        .to_owned(),
                });
            }
        }
        Self {
            config: first.map(|config| &config.config),
            place: first.map_or(NOWHERE, |config| config.place),
            findings,
        }
    }

    fn refuse(&mut self, message: String) {
        self.findings.push(Finding {
            place: self.place,
            outcome: Outcome::Fatal,
            message,
        });
    }

    /// The value of `key` in the config, or else the flag. None if neither has it.
    fn config_or_flag(
        &mut self,
        key: &str,
        field: impl Fn(&'c MeshConfig) -> Option<&'c str>,
        flag: &str,
        config_or_flag: Option<&str>,
    ) -> Option<String> {
        let config_size = self.config.and_then(field);
        if let (Some(config_size), Some(config_or_flag)) = (config_size, config_or_flag)
            && config_size != config_or_flag
        {
            self.refuse(format!(
                "`{key}` of the mesh config is `{config_size}`, but `{flag}` is `{config_or_flag}`"
            ));
        }
        config_size.or(config_or_flag).map(str::to_owned)
    }

    /// The names from the config or the options, or else the assumed ones.
    fn names(&mut self, options: &Options, open: &mut Vec<String>) -> Names {
        let trust_domain = self.config_or_flag(
            "trustDomain",
            |config| config.trust_domain.as_deref(),
            "--trust-domain",
            options.trust_domain.as_deref(),
        );
        let root_namespace = self.config_or_flag(
            "rootNamespace",
            |config| config.root_namespace.as_deref(),
            "--root-namespace",
            options.root_namespace.as_deref(),
        );
        if self.config.is_none() {
            open.push(assumed_config(
                trust_domain.is_none(),
                root_namespace.is_none(),
            ));
        }
        Names {
            trust_domain: trust_domain.unwrap_or_else(|| TRUST_DOMAIN.to_owned()),
            aliases: self.aliases(),
            root_namespace: root_namespace.unwrap_or_else(|| ROOT_NAMESPACE.to_owned()),
        }
    }

    /// Refuses trust domains that no identity can have.
    fn refuse_trust_domains(&mut self, names: &Names) {
        for name in std::iter::once(&names.trust_domain).chain(&names.aliases) {
            if !is_trust_domain(name) {
                self.refuse(format!("`{name}` is not a valid trust domain"));
            }
        }
    }

    fn aliases(&self) -> Vec<String> {
        let aliases = self
            .config
            .and_then(|config| config.trust_domain_aliases.as_ref());
        aliases.into_iter().flatten().cloned().collect()
    }

    fn path_normalization(&self) -> Option<PathNormalization> {
        let normalization = self.config?.path_normalization;
        normalization.filter(|normalization| *normalization != PathNormalization::default())
    }

    /// Without a config, the version is unknown, and the language's default is strict.
    fn min_version(&self) -> Option<TlsVersion> {
        self.config?.min_version
    }

    /// The version from the options, or from the installation of Istio.
    fn istio_version(
        &mut self,
        resources: &Resources,
        options: &Options,
        open: &mut Vec<String>,
    ) -> IstioVersion {
        let sources = resources.mesh_configs.iter();
        let written: BTreeSet<_> = sources
            .filter_map(|source| source.istio_version.as_deref())
            .collect();
        let installed: BTreeSet<_> = written
            .iter()
            .filter_map(|text| minor_version(text))
            .collect();
        if let Some(version) = options.istio_version {
            if let Some(other) = installed.iter().find(|other| **other != version) {
                self.refuse(format!(
                    "Istio {other} is installed, but `--istio-version` is {version}"
                ));
            }
            return version;
        }
        if installed.len() > 1 {
            let installed: Vec<_> = installed.iter().map(ToString::to_string).collect();
            self.refuse(format!(
                "several versions of Istio are installed: {}; import the resources of one of them",
                installed.join(", ")
            ));
        }
        if let Some(version) = installed.first() {
            return *version;
        }
        let version = IstioVersion::NEWEST;
        let unknown: Vec<_> = written.iter().map(|text| format!("`{text}`")).collect();
        let reason = if unknown.is_empty() {
            String::new()
        } else {
            format!(" instead of {}", unknown.join(", "))
        };
        open.push(format!(
            "Istio {version} is assumed{reason}; set it with `--istio-version 1.NN`"
        ));
        version
    }
}

/// The imported part of a mesh config.
fn imported(config: &MeshConfig) -> impl PartialEq + '_ {
    let MeshConfig {
        trust_domain,
        trust_domain_aliases,
        root_namespace,
        path_normalization,
        min_version,
        ..
    } = config;
    (
        trust_domain,
        trust_domain_aliases,
        root_namespace,
        path_normalization,
        min_version,
    )
}

/// The minor version in the name of a version or channel, such as `v1.27.1` and `v1.27-latest`.
fn minor_version(text: &str) -> Option<IstioVersion> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let version = text.split_once('-').map_or(text, |(version, _)| version);
    IstioVersion::parse(version)
}

/// The assumptions without a mesh config, in addition to the options.
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
        "the input has no mesh config, such as the ConfigMap `istio`, so these are assumed: {}",
        assumed.join(", ")
    )
}
