//! The output of `kubectl get … -o yaml` on stdin.

#![expect(
    clippy::indexing_slicing,
    reason = "what the tests share may fail as the tests do"
)]

use serde_json::{Value, json};

use super::{Mesh, NOW, SHOP, rendered_shop};
use crate::run_with;

/// Values to install Istio with.
const MESH_CONFIG: &str = include_str!("../../meshes/mesh_config.yaml");

/// The shop as a cluster lists it: these kinds, with fields that the server adds.
fn kubectl_list(is_wanted: impl Fn(&Value) -> bool) -> String {
    let texts = rendered_shop()
        .iter()
        .filter(|(name, _)| name != "kustomization.yaml");
    let texts = texts
        .map(|(_, text)| text.as_str())
        .chain([super::WORKLOADS, MESH_CONFIG]);
    let nodes = texts.flat_map(|text| policy_schema::yaml::parse(text).unwrap());
    let items: Vec<Value> = nodes
        .map(|node| policy_schema::yaml::read::<Value>(&node).0.unwrap())
        .filter(is_wanted)
        .map(|mut object| {
            object["metadata"]["uid"] = json!("0e7c9a3e-6a0c-4f07-9d2a-9bf6a1d3f2c1");
            object["metadata"]["resourceVersion"] = json!("7");
            object
        })
        .collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

fn findings(list: &str) -> Vec<[String; 2]> {
    let args = [
        "verify",
        "-f",
        SHOP,
        "--at",
        NOW,
        "--manifests",
        "-",
        "--output",
        "json",
    ];
    let run = run_with(&args, list);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| ["code", "subject"].map(|field| finding[field].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn a_mesh_as_rendered_has_no_findings() {
    assert_eq!(findings(&kubectl_list(|_| true)), [[""; 2]; 0]);
}

/// The documented `kubectl` command lists every kind that `verify` needs.
#[test]
fn the_documented_command_lists_every_required_kind() {
    const PAGE: &str = include_str!("../../../../docs/verify.md");
    let command = PAGE.lines().find(|line| line.contains("kubectl get ns,"));
    let (_, kinds) = command.unwrap().split_once("get ").unwrap();
    let (kinds, _) = kinds.split_once(' ').unwrap();
    assert!(PAGE.contains("kubectl get configmap istio -n istio-system -o yaml"));
    let names: Vec<_> = kinds.split(',').collect();
    let list = kubectl_list(|object| {
        let [kind, version] = ["kind", "apiVersion"].map(|field| object[field].as_str().unwrap());
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let short = match kind {
            "Namespace" => "ns".to_owned(),
            "Service" => "svc".to_owned(),
            "Deployment" => "deploy".to_owned(),
            _ => plural(kind),
        };
        // A separate command reads the only object of this kind.
        kind == "ConfigMap"
            || names.contains(&&*short)
            || names.contains(&&*format!("{short}.{group}"))
    });
    assert_eq!(findings(&list), [[""; 2]; 0]);
}

fn plural(kind: &str) -> String {
    let singular = kind.to_ascii_lowercase();
    match singular.strip_suffix('y') {
        Some(stem) if !stem.ends_with('a') => format!("{stem}ies"),
        _ => format!("{singular}s"),
    }
}

#[test]
fn skips_unlisted_kinds_without_reporting_missing_objects() {
    let list = kubectl_list(|object| {
        let kind = object["kind"].as_str().unwrap();
        !["WasmPlugin", "Sidecar", "PeerAuthentication"].contains(&kind)
    });
    let expected = [
        "PeerAuthentication (security.istio.io)",
        "Sidecar (networking.istio.io)",
        "WasmPlugin (extensions.istio.io)",
    ];
    let expected = expected.map(|subject| ["not-checked".to_owned(), subject.to_owned()]);
    assert_eq!(findings(&list), expected);
}

#[test]
fn skips_a_mesh_config_that_was_not_read() {
    let list = kubectl_list(|object| object["kind"] != "ConfigMap");
    let expected = ["not-checked", "ConfigMap istio-system/istio"];
    assert_eq!(findings(&list), [expected]);
}

#[test]
fn reports_a_missing_object_of_a_listed_kind() {
    let list = kubectl_list(|object| object["metadata"]["name"] != "frontend-deny");
    let expected = [
        "missing-object",
        "AuthorizationPolicy boutique/frontend-deny",
    ];
    assert_eq!(findings(&list), [expected]);
}

/// Rendered manifests are complete, so a kind without objects is an error.
#[test]
fn reports_every_missing_object_of_rendered_manifests() {
    let mut mesh = Mesh::good();
    let plugins: Vec<_> = rendered_shop()
        .iter()
        .filter(|(name, _)| name.ends_with(".wasmplugin.yaml"))
        .collect();
    for (name, _) in &plugins {
        mesh = mesh.without(name);
    }
    let found = mesh.findings();
    assert_eq!(found.len(), plugins.len());
    assert!(found.iter().all(|[code, ..]| code == "missing-object"));
}
