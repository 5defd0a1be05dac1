//! Where a mesh config stands: in the `ConfigMap` that istiod reads, and in what Istio is installed from.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{ROOT_NAMESPACE, TRUST_DOMAIN, parse};
use crate::problem::{Location, Step};

/// A mesh config, and its place in an object.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// What istiod gets; none if it is a text and no YAML.
    pub(crate) config: Option<Value>,
    /// Where it stands in the object.
    path: Vec<Step>,
    /// Whether it is a text, in which nothing has a place of its own.
    is_text: bool,
    /// The version of Istio that is installed, as it is written.
    pub(crate) istio_version: Option<String>,
}

/// Kinds with values of Istio's chart `istiod`, or of a chart that has it, and where they are.
const WITH_VALUES: [(&str, &str, &[&str]); 5] = [
    ("install.istio.io", "IstioOperator", &["spec", "values"]),
    ("sailoperator.io", "Istio", &["spec", "values"]),
    ("sailoperator.io", "IstioRevision", &["spec", "values"]),
    ("helm.toolkit.fluxcd.io", "HelmRelease", &["spec", "values"]),
    (
        "argoproj.io",
        "Application",
        &["spec", "source", "helm", "valuesObject"],
    ),
];

/// The name of the `ConfigMap` that istiod reads; with a revision, `istio-REVISION`.
const CONFIG_MAP: &str = "istio";

const FIELD: &str = "meshConfig";

impl Placed {
    fn new(config: Option<Value>, path: &[&str]) -> Self {
        Self {
            config,
            path: path.iter().map(|key| step(key)).collect(),
            is_text: false,
            istio_version: None,
        }
    }

    /// The place in the object of a location in the mesh config.
    pub(crate) fn locate(&self, location: &Location) -> Location {
        let within = if self.is_text { &[] } else { location.steps() };
        self.path.iter().chain(within).cloned().collect()
    }
}

/// The mesh configs in an object of Kubernetes.
pub(crate) fn find(group: &str, kind: &str, object: &Value) -> Vec<Placed> {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    match (group, kind) {
        ("", "ConfigMap") => config_map(object).into_iter().collect(),
        ("maistra.io", "ServiceMeshControlPlane") => vec![maistra(object)],
        _ => {
            let found = WITH_VALUES
                .iter()
                .find(|(of_group, of_kind, _)| *of_group == group && *of_kind == kind);
            let Some((.., path)) = found else {
                return Vec::new();
            };
            let pointer = format!("/{}", path.join("/"));
            let mut found = Vec::new();
            if let Some(values) = object.pointer(&pointer) {
                found.extend(in_values(values, path, text("/spec/namespace")));
            }
            if let Some(config) = object.pointer("/spec/meshConfig") {
                let namespace = text("/spec/values/global/istioNamespace");
                let namespace = namespace.or_else(|| text("/spec/namespace"));
                let config = of_chart(config, namespace);
                found.push(Placed::new(Some(config), &["spec", FIELD]));
            }
            if group == "sailoperator.io" {
                let version = text("/spec/version").map(str::to_owned);
                for placed in &mut found {
                    placed.istio_version.clone_from(&version);
                }
            }
            found
        }
    }
}

/// The mesh configs in Helm values of Istio's chart `istiod`, or of a chart that has it.
pub(crate) fn find_in_values(values: &Value) -> Vec<Placed> {
    in_values(values, &[], None)
}

fn in_values(values: &Value, path: &[&str], namespace: Option<&str>) -> Vec<Placed> {
    let global = |values: &Value| {
        let namespace = values.pointer("/global/istioNamespace")?.as_str()?;
        Some(namespace.to_owned())
    };
    let of_all = global(values).or_else(|| namespace.map(str::to_owned));
    let mut found = Vec::new();
    if let Some(config) = values.get(FIELD) {
        let config = of_chart(config, of_all.as_deref());
        found.push(Placed::new(Some(config), &[path, &[FIELD]].concat()));
    }
    let charts = values.as_object().into_iter().flatten();
    for (chart, values) in charts {
        if let Some(config) = values.get(FIELD) {
            let namespace = global(values).or_else(|| of_all.clone());
            let config = of_chart(config, namespace.as_deref());
            let path = [path, &[chart, FIELD]].concat();
            found.push(Placed::new(Some(config), &path));
        }
    }
    found
}

/// What Istio's chart makes of a mesh config in its values: it sets two fields itself, which the values overwrite
/// if they are spelled as in JSON.
fn of_chart(config: &Value, namespace: Option<&str>) -> Value {
    let Value::Object(fields) = config else {
        return config.clone();
    };
    let namespace = namespace.filter(|namespace| !namespace.is_empty());
    let mut made = Map::new();
    made.insert("trustDomain".to_owned(), TRUST_DOMAIN.into());
    made.insert(
        "rootNamespace".to_owned(),
        namespace.unwrap_or(ROOT_NAMESPACE).into(),
    );
    for (key, value) in fields {
        let is_empty = value.is_null() || value == "";
        if !(is_empty && made.contains_key(key)) {
            made.insert(key.clone(), value.clone());
        }
    }
    Value::Object(made)
}

/// The `ConfigMap` of istiod has it as a text.
fn config_map(object: &Value) -> Option<Placed> {
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    let is_istio = name.is_none_or(|name| {
        let rest = name.strip_prefix(CONFIG_MAP);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    });
    let mesh = object.pointer("/data/mesh").filter(|_| is_istio)?;
    let config = mesh.as_str().and_then(parse);
    Some(Placed {
        is_text: true,
        ..Placed::new(config, &["data", "mesh"])
    })
}

/// A `ServiceMeshControlPlane` has fields of its own for some of the mesh config (Maistra, `v2.ControlPlaneSpec`), and
/// its namespace is the root namespace.
fn maistra(object: &Value) -> Placed {
    let at = |pointer| object.pointer(pointer).filter(|value| !value.is_null());
    let own = at("/spec/techPreview/meshConfig");
    let namespace = at("/metadata/namespace").and_then(Value::as_str);
    let config = own.map_or_else(|| Cow::Owned(Value::Object(Map::new())), Cow::Borrowed);
    let mut config = of_chart(&config, namespace);
    if let Value::Object(fields) = &mut config {
        for (field, pointer) in [
            ("trustDomain", "/spec/security/trust/domain"),
            (
                "trustDomainAliases",
                "/spec/security/trust/additionalDomains",
            ),
            ("extensionProviders", "/spec/extensionProviders"),
        ] {
            if let Some(value) = at(pointer) {
                fields.insert(field.to_owned(), value.clone());
            }
        }
        if let Some(mode) = at("/spec/techPreview/global/pathNormalization") {
            let message = Map::from_iter([("normalization".to_owned(), mode.clone())]);
            fields.insert("pathNormalization".to_owned(), message.into());
        }
    }
    let version = at("/spec/version").and_then(Value::as_str);
    Placed {
        istio_version: version.and_then(istio_of_maistra).map(str::to_owned),
        ..Placed::new(Some(config), &["spec"])
    }
}

/// The version of Istio in a version of Maistra.
fn istio_of_maistra(version: &str) -> Option<&'static str> {
    match version {
        "v2.5" => Some("1.18"),
        "v2.6" => Some("1.20"),
        _ => None,
    }
}

/// Where something else has a mesh config, which is not read: as a field, or in a text. Definitions of kinds have its
/// schema alone.
pub(crate) fn find_unread(kind: &str, object: &Value) -> Option<Location> {
    let fields = object.as_object()?;
    if kind == "CustomResourceDefinition" {
        return None;
    }
    if kind == "ConfigMap" && object.pointer("/data/mesh").is_some() {
        return Some(["data", "mesh"].into_iter().map(step).collect());
    }
    let mut fields = fields
        .iter()
        .filter(|(key, _)| !matches!(&***key, "metadata" | "status"));
    let path = fields.find_map(|(key, value)| unread(key, value))?;
    Some(path.into_iter().rev().collect())
}

/// The steps to a mesh config, innermost first.
fn unread(key: &str, value: &Value) -> Option<Vec<Step>> {
    let is_it = match value {
        Value::Object(_) => key == FIELD,
        Value::String(text) => text.contains("meshConfig:"),
        _ => false,
    };
    if is_it {
        return Some(vec![step(key)]);
    }
    let mut path = match value {
        Value::Object(fields) => fields.iter().find_map(|(key, value)| unread(key, value)),
        Value::Array(elements) => elements.iter().enumerate().find_map(|(index, element)| {
            let mut fields = element.as_object()?.iter();
            let mut path = fields.find_map(|(key, value)| unread(key, value))?;
            path.push(Step::Index(index));
            Some(path)
        }),
        _ => None,
    }?;
    path.push(step(key));
    Some(path)
}

fn step(key: &str) -> Step {
    Step::Key(key.to_owned().into())
}
