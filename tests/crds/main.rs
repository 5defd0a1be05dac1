//! Istio's own definitions accept all rendered resources: OpenAPI schemas and CEL rules, for each
//! version of Istio.
//!
//! The definitions are not part of this repository: `ISTIO_CRDS` is the folder that contains them.

mod definitions;
mod kubernetes;
mod rules;

use std::path::{Path, PathBuf};
use std::{env, fs};

use policy_schema::diagnostic::SourceText;
use policy_schema::istio::{ExtensionApi, authorization_policies, extension, mesh_resources};
use policy_schema::policy::IstioVersion;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use serde_json::{Value, json};

use definitions::{Definitions, json_schema};
use rules::broken;

const MINORS: std::ops::RangeInclusive<u16> = 18..=31;

/// All fields supported by every version, and those added in 1.22 and 1.29.
const EVERY_FIELD: &str = include_str!("every-field.yaml");
/// All fields unrelated to rules.
const HARDENED: &str = include_str!("hardened.yaml");
const SINCE_1_22: &str = include_str!("since-1.22.yaml");
const SINCE_1_29: &str = include_str!("since-1.29.yaml");

fn folder() -> Option<PathBuf> {
    let folder = env::var_os("ISTIO_CRDS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: set ISTIO_CRDS to the folder with Istio's definitions");
    }
    folder
}

/// The rendered objects of these documents, for Istio 1.`minor`.
fn rendered(texts: &[String], minor: u16) -> Vec<Value> {
    let sources: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| SourceText {
            name: format!("{number}.yaml"),
            text: text.clone(),
        })
        .collect();
    let options = Options {
        at: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
        istio_version: IstioVersion::parse(&format!("1.{minor}")),
    };
    let validated = validate(&sources, options);
    let set = validated
        .policies
        .unwrap_or_else(|| panic!("1.{minor}: {:#?}", validated.diagnostics));
    let of_policy = |policy| {
        let objects = authorization_policies(&set.rollout(policy)).into_iter();
        let mut objects: Vec<_> = objects
            .map(|object| serde_json::to_value(object).unwrap())
            .collect();
        let apis = [ExtensionApi::WasmPlugin, ExtensionApi::TrafficExtension];
        let extensions = apis.map(|api| extension(&set.rollout(policy), api));
        let extensions = extensions.into_iter().flatten();
        objects.extend(extensions.map(|object| serde_json::to_value(object).unwrap()));
        objects
    };
    let of_mesh = mesh_resources(&set).into_iter();
    let of_mesh = of_mesh.map(|object| serde_json::to_value(object).unwrap());
    let of_policies = set.policies().iter().flat_map(of_policy);
    of_policies.chain(of_mesh).collect()
}

/// The problems that a cluster would report.
fn complaints(definitions: &Definitions, object: &Value) -> Vec<String> {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    if text("apiVersion") == "v1" || text("apiVersion").contains(".k8s.io/") {
        return kubernetes::complaints(object);
    }
    let Some(schema) = definitions.schema(text("apiVersion"), text("kind")) else {
        return vec![format!(
            "{} of {} is not served",
            text("kind"),
            text("apiVersion")
        )];
    };
    let mut content = object.clone();
    // Kubernetes checks these itself.
    for key in ["apiVersion", "kind", "metadata"] {
        content.as_object_mut().unwrap().remove(key);
    }
    if let Some(spec) = content["spec"].as_object_mut() {
        for field in definitions.too_new() {
            spec.remove(*field);
        }
    }
    let validator = jsonschema::validator_for(&json_schema(schema)).unwrap();
    let errors = validator.iter_errors(&content);
    let mut complaints: Vec<_> = errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    if complaints.is_empty() {
        complaints = broken(schema, &content, "");
    }
    complaints
}

#[test]
fn every_version_accepts_every_object() {
    let Some(folder) = folder() else { return };
    let many = many_rules();
    let newest = Definitions::read(&folder, 31);
    let mut objects = 0;
    for minor in MINORS {
        let definitions = Definitions::read(&folder, minor);
        let mut texts = vec![EVERY_FIELD.to_owned(), many.clone()];
        if minor >= 22 {
            texts.push(SINCE_1_22.to_owned());
        }
        if minor >= 29 {
            texts.push(SINCE_1_29.to_owned());
        }
        let inputs = [texts, vec![HARDENED.to_owned()], shop()];
        for object in inputs.iter().flat_map(|texts| rendered(texts, minor)) {
            // It was added between two available releases.
            let is_too_new = object["kind"] == "TrafficExtension" && minor == 30;
            let definitions = if is_too_new { &newest } else { &definitions };
            let complaints = complaints(definitions, &object);
            assert!(
                complaints.is_empty(),
                "1.{minor}: {complaints:#?}\n{object:#}"
            );
            objects += 1;
        }
    }
    println!("{objects} objects");
    assert!(objects > 14 * 10);
}

/// The documents of the example shop.
fn shop() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/online-boutique");
    let policies = fs::read_dir(folder.join("policies")).unwrap();
    let mut files: Vec<_> = policies.map(|entry| entry.unwrap().path()).collect();
    files.push(folder.join("mesh.yaml"));
    files.sort();
    files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect()
}

/// More rules than Istio allows in an object, and more sources than in a rule.
fn many_rules() -> String {
    let sources: Vec<_> = (0..600)
        .map(|number| json!({"principals": [format!("cluster.local/ns/a/sa/a{number}")], "notNamespaces": ["b"]}))
        .collect();
    let mut rules: Vec<_> = (0..600)
        .map(|number| json!({"id": format!("r{number}"), "effect": "Allow", "to": [{"paths": [format!("/{number}")]}]}))
        .collect();
    rules.push(json!({"id": "many", "effect": "Deny", "from": sources}));
    json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "kind": "ServicePolicy",
        "metadata": {"name": "many", "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": "many"}}, "rules": rules},
    })
    .to_string()
}

#[test]
fn rejects_what_a_cluster_rejects() {
    let Some(folder) = folder() else { return };
    let definitions = Definitions::read(&folder, 31);
    let policy = |spec: Value| json!({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "spec": spec});
    let plugin = |spec: Value| json!({"apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin", "spec": spec});
    let target = json!({"kind": "Service", "name": "a"});
    let refused = [
        (policy(json!({"rule": []})), "rule"),
        (
            policy(json!({"rules": [{"from": [{"source": {"principal": ["a"]}}]}]})),
            "principal",
        ),
        (policy(json!({"action": "Allow"})), "action"),
        (
            policy(json!({"rules": [{"to": [{"operation": {"ports": [80]}}]}]})),
            "ports",
        ),
        (
            policy(json!({"rules": [{"from": [{"source": {"principals": "a"}}]}]})),
            "principals",
        ),
        (
            policy(json!({"rules": (0..513).map(|_| json!({})).collect::<Vec<_>>()})),
            "rules",
        ),
        (
            policy(json!({"targetRefs": [target], "selector": {"matchLabels": {"a": "b"}}})),
            "selector",
        ),
        (
            policy(json!({"targetRefs": (0..17).map(|_| target.clone()).collect::<Vec<_>>()})),
            "targetRefs",
        ),
        (
            policy(json!({"selector": {"matchLabels": {"a": "*"}}})),
            "selector",
        ),
        (
            policy(
                json!({"rules": [{"from": [{"source": {"serviceAccounts": ["a"], "principals": ["b"]}}]}]}),
            ),
            "source",
        ),
        (
            policy(json!({"rules": [{"when": [{"values": ["a"]}]}]})),
            "key",
        ),
        (plugin(json!({})), "url"),
        (
            plugin(json!({"url": "oci://a", "failStrategy": "FAIL"})),
            "failStrategy",
        ),
        (
            json!({"apiVersion": "security.istio.io/v9", "kind": "AuthorizationPolicy"}),
            "not served",
        ),
    ];
    for (object, expected) in refused {
        let complaints = complaints(&definitions, &object).join("\n");
        assert!(complaints.contains(expected), "{object}: {complaints:?}");
    }
}

/// New fields in Istio may need support in the policy language.
#[test]
fn knows_every_field_of_istio() {
    let Some(folder) = folder() else { return };
    let definitions = Definitions::read(&folder, 31);
    let schema = definitions.schema("security.istio.io/v1", "AuthorizationPolicy");
    let mut spec = schema.unwrap()["properties"]["spec"].clone();
    // Istio has the field, but accepts no value for it.
    for target in ["/properties/targetRef", "/properties/targetRefs/items"] {
        let target = spec.pointer_mut(target).unwrap();
        target["properties"]
            .as_object_mut()
            .unwrap()
            .remove("namespace");
    }
    let object = json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "all", "namespace": "all"},
        "spec": example(&spec),
    });
    let read: policy_schema::istio::AuthorizationPolicy =
        serde_json::from_value(object.clone()).unwrap();
    let written = serde_json::to_value(read).unwrap();
    assert_eq!(written["spec"], object["spec"]);
}

/// A value with all fields of a schema.
fn example(schema: &Value) -> Value {
    if let Some(value) = schema["enum"].as_array().and_then(|values| values.first()) {
        return value.clone();
    }
    match schema["type"].as_str() {
        Some("object") => match schema["properties"].as_object() {
            Some(properties) => properties
                .iter()
                .map(|(name, property)| (name.clone(), example(property)))
                .collect(),
            None => json!({"key": example(&schema["additionalProperties"])}),
        },
        Some("array") => json!([example(&schema["items"])]),
        _ => json!("text"),
    }
}
