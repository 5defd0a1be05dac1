//! Whether Istio's mesh config is what the documents rely on.
//!
//! It is a text in the `ConfigMap` `istio` of the root namespace. Only what changes decisions is compared:
//! `peergate install-values` writes the rest.

use std::collections::BTreeSet;

use serde_json::Value;

use super::extent::LookedAt;
use super::object::Object;
use super::{Finding, FindingCode, Verdict};
use crate::istio::{mesh_config_name, normalization_name};
use crate::policy::{Mesh, PolicySet, ServicePolicy};
use crate::rule_spec::{Effect, Enforcement};
use crate::yaml;

/// What Istio takes where the mesh config says nothing.
const TRUST_DOMAIN: &str = "cluster.local";
const ROOT_NAMESPACE: &str = "istio-system";

/// How a provider that is an external authorizer is described.
const AUTHORIZERS: [&str; 2] = ["envoyExtAuthzHttp", "envoyExtAuthzGrpc"];

pub(super) fn check(
    set: &PolicySet,
    objects: &[Object],
    looked_at: &LookedAt,
    verdict: &mut Verdict,
) {
    let (namespace, name) = (&set.mesh.root_namespace, mesh_config_name(&set.mesh));
    let found = objects.iter().find(|object| {
        object.is("", "ConfigMap") && object.namespace() == namespace && object.name() == name
    });
    let Some(object) = found else {
        let is_expected = match looked_at {
            // Manifests to be applied need not have it: Istio's installer makes it.
            LookedAt::All => false,
            LookedAt::Only(_) => true,
            // One that could not be read is a finding already.
            LookedAt::AllBut(_) => looked_at.has("", "ConfigMap"),
        };
        if is_expected {
            verdict.findings.push(Finding::of(
                format!("ConfigMap {namespace}/{name}"),
                FindingCode::NotChecked,
                "Istio's mesh config was not seen, so nothing says how paths are normalised and what `Custom` rules ask",
                "give `verify` this object too; if istiod has its mesh config elsewhere, compare it with `peergate install-values`",
            ));
        }
        return;
    };
    let config = object.text("/data/mesh").and_then(read);
    let Some(config) = config else {
        verdict.findings.push(Finding::about(
            object,
            FindingCode::NotChecked,
            "its `data.mesh` is not a mesh config in YAML",
            "see whether istiod reads it",
        ));
        return;
    };
    let install = "install Istio with what `peergate install-values` writes, or change the `Mesh`";
    let provider = "correct the provider in Istio's mesh config, or the rule";
    let changed = of_mesh(&set.mesh, &config)
        .into_iter()
        .map(|message| (message, install));
    let changed = changed.chain(
        of_providers(set, &config)
            .into_iter()
            .map(|message| (message, provider)),
    );
    verdict.findings.extend(changed.map(|(message, help)| {
        Finding::about(object, FindingCode::ChangedMeshConfig, message, help)
    }));
}

fn read(text: &str) -> Option<Value> {
    let nodes = yaml::parse(text).ok()?;
    let Some(node) = nodes.first() else {
        return Some(Value::Null);
    };
    let (config, faults) = yaml::read::<Value>(node);
    config.filter(|config| faults.is_empty() && (config.is_object() || config.is_null()))
}

/// Where a mesh config is not what the `Mesh` says.
fn of_mesh(mesh: &Mesh, config: &Value) -> Vec<String> {
    let text = |pointer: &str, default: &'static str| {
        let value = config.pointer(pointer).and_then(Value::as_str);
        value
            .filter(|text| !text.is_empty())
            .unwrap_or(default)
            .to_owned()
    };
    let mut compared = vec![
        (
            "trustDomain",
            text("/trustDomain", TRUST_DOMAIN),
            mesh.trust_domains.own().to_owned(),
        ),
        (
            "rootNamespace",
            text("/rootNamespace", ROOT_NAMESPACE),
            mesh.root_namespace.clone(),
        ),
        (
            "pathNormalization.normalization",
            match &*text("/pathNormalization/normalization", "DEFAULT") {
                "DEFAULT" => "BASE".to_owned(),
                other => other.to_owned(),
            },
            normalization_name(mesh.path_normalization).to_owned(),
        ),
    ];
    let aliases = config
        .pointer("/trustDomainAliases")
        .and_then(Value::as_array);
    let aliases: BTreeSet<_> = aliases
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let declared: BTreeSet<_> = mesh.trust_domains.aliases().collect();
    compared.push(("trustDomainAliases", listed(&aliases), listed(&declared)));
    let differing = compared
        .into_iter()
        .filter(|(_, found, expected)| found != expected);
    differing
        .map(|(field, found, expected)| {
            format!("its `{field}` is `{found}`, and the `Mesh` says `{expected}`")
        })
        .collect()
}

fn listed(names: &BTreeSet<&str>) -> String {
    let names: Vec<_> = names.iter().copied().collect();
    format!("[{}]", names.join(", "))
}

/// What is wrong with the providers that `Custom` rules ask.
fn of_providers(set: &PolicySet, config: &Value) -> Vec<String> {
    let providers = config
        .pointer("/extensionProviders")
        .and_then(Value::as_array);
    let find = |name: &str| {
        let mut providers = providers.into_iter().flatten();
        providers.find(|provider| provider.get("name").and_then(Value::as_str) == Some(name))
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
            let Some(provider) = find(name) else {
                wrong.push(format!("it has no extension provider {asking}"));
                continue;
            };
            let mut kinds = AUTHORIZERS.iter();
            match kinds.find_map(|kind| provider.get(kind)) {
                None => wrong.push(format!(
                    "its extension provider {asking}, is no external authorizer"
                )),
                Some(authorizer) if authorizer.get("failOpen") == Some(&Value::Bool(true)) => {
                    wrong.push(format!(
                        "its extension provider {asking}, has `failOpen`: requests pass when it does not answer"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    wrong
}
