//! The rendered Helm chart, installed by Helm's own engine.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::server::programs;
use super::{SHOP, stdout_of};

/// The value with every number as a float: Helm writes `100.0` as `100`.
fn with_fractions(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(items) => items.into_iter().map(with_fractions).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            fields
                .map(|(name, value)| (name, with_fractions(value)))
                .collect()
        }
        other => other,
    }
}

/// The objects of a YAML stream in a canonical order.
fn objects(text: &str) -> Vec<Value> {
    let mut objects: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    objects.retain(|object| !object.is_null());
    let mut objects: Vec<_> = objects.into_iter().map(with_fractions).collect();
    let fields = ["/kind", "/metadata/namespace", "/metadata/name"];
    objects.sort_by_key(|object| fields.map(|field| object.pointer(field).map(Value::to_string)));
    objects
}

/// The objects that Helm installs from the chart with these values.
fn helm_install(chart: &Path, values: &str) -> Vec<Value> {
    let output = Command::new(programs().join("chart"))
        .arg(chart)
        .arg(values)
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    objects(&String::from_utf8(output.stdout).unwrap())
}

fn at<'o>(object: &'o Value, pointer: &str) -> Option<&'o str> {
    object.pointer(pointer).and_then(Value::as_str)
}

#[test]
fn helm_installs_the_rendered_objects_as_values_configure_them() {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path().join("chart/");
    let target = format!("{}/", chart.display());
    let args = ["render", SHOP, "--at", "2026-06-01"];
    stdout_of(&[&args[..], &["--layout", "helm-chart", "--out", &target]].concat());
    let rendered = objects(&stdout_of(&args));
    assert_eq!(helm_install(&chart, "{}"), rendered);

    let image = "oci://mirror.example/filter@sha256:01";
    let values = format!(
        "{{image: '{image}', labels: {{team: a, app.kubernetes.io/managed-by: b}}, annotations: {{c: d}}}}"
    );
    let changed = helm_install(&chart, &values);
    assert_eq!(changed.len(), rendered.len());
    for object in &changed {
        assert_eq!(at(object, "/metadata/labels/team"), Some("a"));
        assert_eq!(at(object, "/metadata/annotations/c"), Some("d"));
        // The label that marks Peergate's objects stays.
        let managed = "/metadata/labels/app.kubernetes.io~1managed-by";
        assert_eq!(at(object, managed), Some("peergate"));
    }
    let plugins = changed
        .iter()
        .filter(|object| object["kind"] == "WasmPlugin");
    let urls: Vec<_> = plugins.map(|plugin| at(plugin, "/spec/url")).collect();
    assert!(!urls.is_empty() && urls.iter().all(|url| *url == Some(image)));

    let namespace = at(&rendered[0], "/metadata/namespace").unwrap();
    let some = helm_install(&chart, &format!("{{namespaces: [{namespace}]}}"));
    assert!(!some.is_empty() && some.len() < rendered.len());
    let is_there = |object: &Value| at(object, "/metadata/namespace") == Some(namespace);
    assert!(some.iter().all(is_there));
}
