//! Checks that Istio's mesh config has what the documents rely on.
//!
//! It is a string in the `ConfigMap` `istio` of istiod's own namespace, which need not be the root
//! namespace. Manifests may contain the installation of Istio instead. Only fields that the `Mesh`
//! determines or that change decisions are compared. `peergate install-values` generates the rest.

use std::collections::BTreeSet;

use super::control_plane::control_plane_namespaces;
use super::discovery::{self, Discovery};
use super::extent::KindsRead;
use super::helm_values::HelmValues;
use super::object::Object;
use super::{Finding, FindingCode, Verdict, proxy_config, proxy_settings};
use crate::diagnostic::Place;
use crate::document::Outbound;
use crate::istio::{mesh_config_name, normalization_name, outbound_name, protocol_version};
use crate::mesh_config::{
    MeshConfig, Placed, Provider, default_for_installation, find, find_other_unread,
};
use crate::policy::{Mesh, PolicySet, ServicePolicy};
use crate::problem::{Location, Step};
use crate::rule_spec::{Effect, Enforcement};

/// A difference from the documents: the field, its value and the fix.
struct Difference {
    code: FindingCode,
    field: &'static str,
    message: String,
    help: &'static str,
}

const INSTALL: &str =
    "install Istio with the output of `peergate install-values`, or change the `Mesh`";

pub(super) fn check(
    set: &PolicySet,
    objects: &[Object],
    values: &[HelmValues],
    kinds_read: &KindsRead,
    verdict: &mut Verdict,
) {
    let name = mesh_config_name(&set.mesh);
    let namespaces = control_plane_namespaces(&set.mesh, objects);
    let seen = &Seen {
        objects,
        control_planes: &namespaces,
    };
    let revision = set.mesh.revision.as_deref().unwrap_or("default");
    let mut is_found = false;
    for object in objects {
        if object.is_only_compared() {
            continue;
        }
        let is_config_map = object.is("", "ConfigMap");
        // A mesh config counts in any namespace: not every installation labels its istiod.
        let is_of_istiod =
            || object.at("/data/mesh").is_some() || namespaces.contains(object.namespace());
        // Another `ConfigMap` may contain values for an installation.
        let is_config_map = is_config_map && object.name() == name && is_of_istiod();
        let is_of_other = object.at("/data/mesh").is_some() && !is_config_map;
        if is_of_other {
            continue;
        }
        let (group, kind) = (&*object.id().group, object.kind());
        let mut placed = find(group, kind, object.value());
        let subject = Subject::from_object(object);
        if let Some(location) = find_other_unread(group, kind, object.value()) {
            is_found = true;
            verdict.findings.push(subject.finding(
                FindingCode::NotChecked,
                format!("has a mesh config in `{location}`, which `verify` does not read"),
                "pass the Helm values of istiod to `verify`, or the `ConfigMap` that istiod reads",
                location,
            ));
        } else if placed.is_empty() {
            placed.extend(default_for_installation(group, kind, object.value()));
        }
        is_found |= is_config_map;
        if is_config_map && placed.is_empty() {
            verdict.findings.push(Finding::about(
                object,
                FindingCode::NotChecked,
                "has no `data.mesh`",
                "check which mesh config istiod reads",
            ));
        }
        for placed in placed.iter().filter(|placed| placed.may_be_for(revision)) {
            is_found = true;
            judge(set, seen, &subject, placed, verdict);
        }
    }
    for values in values {
        let subject = Subject {
            title: "Helm values of Istio".to_owned(),
            place: Some(values.place),
        };
        let placed = values.mesh_configs().into_iter();
        for placed in placed.filter(|placed| placed.may_be_for(revision)) {
            is_found = true;
            judge(set, seen, &subject, &placed, verdict);
        }
    }
    let is_expected = match kinds_read {
        // Manifests need not contain it: Istio's installer creates it.
        KindsRead::All => false,
        KindsRead::Only(_) => true,
        // One that could not be read has been reported already.
        KindsRead::AllBut(_) => kinds_read.has("", "ConfigMap"),
    };
    if !is_found && is_expected {
        let namespaces: Vec<_> = namespaces.into_iter().collect();
        let subject = match &*namespaces {
            [namespace] => format!("ConfigMap {namespace}/{name}"),
            _ => format!("ConfigMap {name}"),
        };
        verdict.findings.push(Finding::new(
            subject,
            FindingCode::NotChecked,
            "Istio's mesh config was not found, so path normalization and the providers of `Custom` rules were not checked",
            "pass this object to `verify`; if istiod's mesh config is elsewhere, compare it with `peergate install-values`",
        ));
    }
}

/// The context of a mesh config.
struct Seen<'m> {
    objects: &'m [Object],
    /// The namespaces in which istiod may run.
    control_planes: &'m BTreeSet<&'m str>,
}

/// An object that contains a mesh config.
struct Subject {
    title: String,
    place: Option<Place>,
}

impl Subject {
    fn from_object(object: &Object) -> Self {
        Self {
            title: object.to_string(),
            place: object.place(),
        }
    }

    fn finding(
        &self,
        code: FindingCode,
        message: impl Into<String>,
        help: impl Into<String>,
        field: Location,
    ) -> Finding {
        Finding {
            place: self.place,
            field: Some(field),
            ..Finding::new(&self.title, code, message, help)
        }
    }
}

fn judge(
    set: &PolicySet,
    seen: &Seen<'_>,
    subject: &Subject,
    placed: &Placed,
    verdict: &mut Verdict,
) {
    let Some(config) = &placed.config else {
        verdict.findings.push(subject.finding(
            FindingCode::NotChecked,
            "its `data.mesh` is not a mesh config in YAML",
            "check whether istiod reads it",
            placed.locate(&Location::default()),
        ));
        return;
    };
    let (config, problems) = MeshConfig::read(config);
    for problem in problems {
        verdict.findings.push(subject.finding(
            FindingCode::NotChecked,
            format!("in its mesh config, {}", problem.message),
            problem.help,
            placed.locate(&problem.location),
        ));
    }
    let Some(config) = config else { return };
    let differences = compare_with_mesh(&set.mesh, &config)
        .into_iter()
        .chain(provider_problems(set, config.providers.as_deref()))
        .chain(proxy_problems(seen.control_planes, &config))
        .chain(external_dependencies(&config))
        .chain(hidden_namespaces(set, seen.objects, &config));
    for difference in differences {
        let field = difference.field.split('.');
        let field: Location = field.map(|key| Step::Key(key.into())).collect();
        let field = placed.locate(&field);
        let Difference {
            code,
            message,
            help,
            ..
        } = difference;
        verdict
            .findings
            .push(subject.finding(code, message, help, field));
    }
}

/// The differences between a mesh config and the `Mesh`.
fn compare_with_mesh(mesh: &Mesh, config: &MeshConfig) -> Vec<Difference> {
    let declared: BTreeSet<_> = mesh.trust_domains.aliases().map(str::to_owned).collect();
    let normalization = config.path_normalization.map(normalization_name);
    let compared = [
        (
            "trustDomain",
            config.trust_domain.clone(),
            mesh.trust_domains.own().to_owned(),
        ),
        (
            "rootNamespace",
            config.root_namespace.clone(),
            mesh.root_namespace.clone(),
        ),
        (
            "pathNormalization.normalization",
            normalization.map(str::to_owned),
            normalization_name(mesh.path_normalization).to_owned(),
        ),
        (
            "trustDomainAliases",
            config.trust_domain_aliases.as_ref().map(listed),
            listed(&declared),
        ),
    ];
    let mut found: Vec<_> = weaker_settings(mesh, config).collect();
    for (field, value, expected) in compared {
        // A value that could not be read has been reported already.
        if let Some(value) = value.filter(|value| *value != expected) {
            found.push(Difference {
                code: FindingCode::ChangedMeshConfig,
                field,
                message: format!("its `{field}` is `{value}`, but the `Mesh` has `{expected}`"),
                help: INSTALL,
            });
        }
    }
    found
}

/// Settings by which proxies accept or reach more than the `Mesh` permits. Less is fine.
fn weaker_settings(mesh: &Mesh, config: &MeshConfig) -> impl Iterator<Item = Difference> {
    let oldest = config
        .min_version
        .filter(|version| mesh.mtls.is_specified && *version < mesh.mtls.min_version);
    let oldest = oldest.map(|version| {
        (
            "meshMTLS.minProtocolVersion",
            protocol_version(version),
            protocol_version(mesh.mtls.min_version),
        )
    });
    let open = config.outbound == Some(Outbound::Any) && mesh.outbound == Outbound::Declared;
    let open = open.then(|| {
        (
            "outboundTrafficPolicy.mode",
            outbound_name(Outbound::Any),
            outbound_name(Outbound::Declared),
        )
    });
    oldest
        .into_iter()
        .chain(open)
        .map(|(field, found, expected)| Difference {
            code: FindingCode::ChangedMeshConfig,
            field,
            message: format!("its `{field}` is `{found}`, but the `Mesh` requires `{expected}`"),
            help: INSTALL,
        })
}

fn listed(names: &BTreeSet<String>) -> String {
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    format!("[{}]", names.join(", "))
}

/// Problems with the providers of `Custom` rules. Unreadable providers have been reported already.
fn provider_problems(set: &PolicySet, providers: Option<&[Provider]>) -> Vec<Difference> {
    let Some(providers) = providers else {
        return Vec::new();
    };
    // Of several with one name, Istio uses the last.
    let find = |name: &str| {
        providers
            .iter()
            .rev()
            .find(|provider| provider.name == name)
    };
    let mut wrong = Vec::new();
    let enforced = |policy: &&ServicePolicy| policy.enforcement == Enforcement::Enforce;
    for policy in set.policies.iter().filter(enforced) {
        let rules = policy.rules.iter().filter(|rule| {
            rule.effect == Effect::Custom && rule.enforcement != Some(Enforcement::Shadow)
        });
        for rule in rules {
            let Some(name) = &rule.provider else { continue };
            let asking = format!(
                "`{name}`, which rule `{}` of policy `{}` names",
                rule.id, policy.name
            );
            let message = match find(name).map(|provider| &provider.authorizer) {
                None => format!("has no extension provider {asking}"),
                Some(None) => {
                    format!("its extension provider {asking}, is not an external authorizer")
                }
                Some(Some(authorizer)) if authorizer.fails_open == Some(true) => format!(
                    "its extension provider {asking}, sets `failOpen`: requests pass if it does not respond"
                ),
                Some(Some(_)) => continue,
            };
            wrong.push(Difference {
                code: FindingCode::ChangedMeshConfig,
                field: "extensionProviders",
                message,
                help: "correct the provider in Istio's mesh config, or the rule",
            });
        }
    }
    wrong
}

/// Settings that change how proxies start.
fn proxy_problems(control_planes: &BTreeSet<&str>, config: &MeshConfig) -> Vec<Difference> {
    let proxies = config.proxy_config.iter();
    let settings =
        proxies.flat_map(|proxies| proxy_settings::risky_settings(control_planes, proxies));
    settings
        .map(|setting| Difference {
            code: FindingCode::NotChecked,
            field: "defaultConfig",
            message: proxy_config::may_affect_enforcement(&format!(
                "its `defaultConfig` sets `{setting}`"
            )),
            help: proxy_config::HELP,
        })
        .collect()
}

/// Settings that depend on something outside the mesh config.
fn external_dependencies(config: &MeshConfig) -> impl Iterator<Item = Difference> {
    const AUTHORITY: &str = "ensure that it issues certificates only for the mesh, or remove it";
    let fields = [
        (
            "ca",
            "names an authority that can issue any identity of the mesh",
            AUTHORITY,
        ),
        (
            "caCertificates",
            "trusts additional authorities, each of which can issue any identity of the mesh",
            AUTHORITY,
        ),
        (
            "configSources",
            "makes Istio read policies from outside this cluster",
            "ensure that one source is `k8s://` and that no other contains policies",
        ),
    ];
    let set = fields
        .into_iter()
        .filter(|(field, ..)| config.beyond.iter().any(|name| name == field));
    set.map(|(field, does, help)| Difference {
        code: FindingCode::NotChecked,
        field,
        message: format!("its `{field}` {does}"),
        help,
    })
}

/// Namespaces that Istio ignores, so that their policies are not enforced.
fn hidden_namespaces(
    set: &PolicySet,
    objects: &[Object],
    config: &MeshConfig,
) -> Option<Difference> {
    let selectors = config.discovery_selectors.as_ref()?;
    let (code, message) = match discovery::judge(set, objects, selectors) {
        Discovery::Whole => return None,
        Discovery::Hides(namespaces) => (
            FindingCode::ChangedMeshConfig,
            format!(
                "its `discoverySelectors` hide {} from Istio: policies there are not enforced",
                listed(&namespaces)
            ),
        ),
        Discovery::Unknown => (
            FindingCode::NotChecked,
            "its `discoverySelectors` may hide namespaces from Istio: policies there would not be enforced".to_owned(),
        ),
    };
    Some(Difference {
        code,
        field: "discoverySelectors",
        message,
        help: "select the root namespace and each namespace with a policy; `verify` needs their `Namespace` objects",
    })
}
