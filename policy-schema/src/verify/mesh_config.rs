//! Whether Istio's mesh config is what the documents rely on.
//!
//! It is a text in the `ConfigMap` `istio` of the root namespace, and manifests may have what Istio is installed from. Only
//! what the `Mesh` says and what changes decisions is compared: `peergate install-values` writes the rest.

use std::collections::BTreeSet;

use super::extent::LookedAt;
use super::object::Object;
use super::{Finding, FindingCode, Verdict, proxy_config};
use crate::document::Outbound;
use crate::istio::{mesh_config_name, normalization_name, outbound_name, protocol_version};
use crate::mesh_config::{MeshConfig, Placed, Provider, find};
use crate::policy::{Mesh, PolicySet, ServicePolicy};
use crate::problem::{Location, Step};
use crate::rule_spec::{Effect, Enforcement};

/// Something that is not as the documents have it: the field, what it says, and what to do.
struct Difference {
    code: FindingCode,
    field: &'static str,
    message: String,
    help: &'static str,
}

const INSTALL: &str =
    "install Istio with what `peergate install-values` writes, or change the `Mesh`";

pub(super) fn check(
    set: &PolicySet,
    objects: &[Object],
    looked_at: &LookedAt,
    verdict: &mut Verdict,
) {
    let (namespace, name) = (&set.mesh.root_namespace, mesh_config_name(&set.mesh));
    let mut is_found = false;
    for object in objects {
        let is_config_map = object.is("", "ConfigMap");
        if is_config_map && (object.namespace() != namespace || object.name() != name) {
            continue;
        }
        if installs_another_revision(&set.mesh, object) {
            continue;
        }
        let (group, kind) = (&object.id().group, object.kind());
        let placed = find(group, kind, object.value());
        is_found |= is_config_map || !placed.is_empty();
        if is_config_map && placed.is_empty() {
            verdict.findings.push(Finding::about(
                object,
                FindingCode::NotChecked,
                "it has no `data.mesh`",
                "see which mesh config istiod reads",
            ));
        }
        for placed in placed {
            judge(set, object, &placed, verdict);
        }
    }
    let is_expected = match looked_at {
        // Manifests to be applied need not have it: Istio's installer makes it.
        LookedAt::All => false,
        LookedAt::Only(_) => true,
        // One that could not be read is a finding already.
        LookedAt::AllBut(_) => looked_at.has("", "ConfigMap"),
    };
    if !is_found && is_expected {
        verdict.findings.push(Finding::of(
            format!("ConfigMap {namespace}/{name}"),
            FindingCode::NotChecked,
            "Istio's mesh config was not seen, so nothing says how paths are normalised and what `Custom` rules ask",
            "give `verify` this object too; if istiod has its mesh config elsewhere, compare it with `peergate install-values`",
        ));
    }
}

/// Whether an object installs an istiod that is not the one of the documents.
fn installs_another_revision(mesh: &Mesh, object: &Object) -> bool {
    let own = mesh.revision.as_deref().unwrap_or("default");
    let revision = object
        .text("/spec/revision")
        .filter(|name| !name.is_empty());
    object.is("install.istio.io", "IstioOperator") && revision.unwrap_or("default") != own
}

fn judge(set: &PolicySet, object: &Object, placed: &Placed, verdict: &mut Verdict) {
    let Some(config) = &placed.config else {
        verdict.findings.push(Finding::about(
            object,
            FindingCode::NotChecked,
            "its `data.mesh` is not a mesh config in YAML",
            "see whether istiod reads it",
        ));
        return;
    };
    let (config, problems) = MeshConfig::read(config);
    for problem in problems {
        verdict.findings.push(Finding {
            field: Some(placed.locate(&problem.location)),
            ..Finding::about(
                object,
                FindingCode::NotChecked,
                format!("in its mesh config, {}", problem.message),
                problem.help,
            )
        });
    }
    let Some(config) = config else { return };
    for setting in config
        .proxy_config
        .iter()
        .flat_map(|proxies| proxy_config::bending(&set.mesh, proxies))
    {
        let does = format!("its `defaultConfig` sets `{setting}`");
        verdict.findings.push(proxy_config::unjudged(object, &does));
    }
    let differences = of_mesh(&set.mesh, &config)
        .into_iter()
        .chain(of_providers(set, config.providers.as_deref()))
        .chain(unjudged(&config));
    for difference in differences {
        let field = difference.field.split('.');
        let field: Location = field.map(|key| Step::Key(key.into())).collect();
        verdict.findings.push(Finding {
            field: Some(placed.locate(&field)),
            ..Finding::about(object, difference.code, difference.message, difference.help)
        });
    }
}

/// Where a mesh config is not what the `Mesh` says.
fn of_mesh(mesh: &Mesh, config: &MeshConfig) -> Vec<Difference> {
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
    let mut found: Vec<_> = of_protection(mesh, config).collect();
    for (field, value, expected) in compared {
        // What could not be read is a finding already.
        if let Some(value) = value.filter(|value| *value != expected) {
            found.push(Difference {
                code: FindingCode::ChangedMeshConfig,
                field,
                message: format!("its `{field}` is `{value}`, and the `Mesh` says `{expected}`"),
                help: INSTALL,
            });
        }
    }
    found
}

/// Where proxies accept or reach more than the `Mesh` says. Less is no fault.
fn of_protection(mesh: &Mesh, config: &MeshConfig) -> impl Iterator<Item = Difference> {
    let oldest = config
        .min_version
        .filter(|version| *version < mesh.mtls.min_version);
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
            message: format!("its `{field}` is `{found}`, and the `Mesh` asks for `{expected}`"),
            help: INSTALL,
        })
}

fn listed(names: &BTreeSet<String>) -> String {
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    format!("[{}]", names.join(", "))
}

/// What is wrong with the providers that `Custom` rules ask; nothing if they could not be read, which is a finding
/// already.
fn of_providers(set: &PolicySet, providers: Option<&[Provider]>) -> Vec<Difference> {
    let Some(providers) = providers else {
        return Vec::new();
    };
    // Of several with one name Istio takes the last.
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
                "`{name}`, which rule `{}` of policy `{}` asks",
                rule.id, policy.name
            );
            let message = match find(name).map(|provider| &provider.authorizer) {
                None => format!("it has no extension provider {asking}"),
                Some(None) => {
                    format!("its extension provider {asking}, is no external authorizer")
                }
                Some(Some(authorizer)) if authorizer.fails_open == Some(true) => format!(
                    "its extension provider {asking}, has `failOpen`: requests pass when it does not answer"
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

/// Settings that can change what policies decide, by something outside the mesh config.
fn unjudged(config: &MeshConfig) -> Vec<Difference> {
    let fields = [
        (
            config.has_more_authorities,
            "caCertificates",
            "its `caCertificates` trust more authorities: each of them can issue any identity of the mesh",
            "make sure that they issue certificates for the mesh alone, or remove them",
        ),
        (
            config.selects_namespaces,
            "discoverySelectors",
            "its `discoverySelectors` hide namespaces from Istio: policies in them are not enforced",
            "make sure that they select the root namespace and each namespace that has a policy or a workload of the mesh",
        ),
    ];
    let set = fields.into_iter().filter(|(is_set, ..)| *is_set);
    set.map(|(_, field, message, help)| Difference {
        code: FindingCode::NotChecked,
        field,
        message: message.to_owned(),
        help,
    })
    .collect()
}
