//! Locates mesh configs: in the `ConfigMap` that istiod reads, and in installations of Istio.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{ROOT_NAMESPACE, TRUST_DOMAIN, parse};
use crate::problem::{Location, Step};

/// A mesh config, with its place in an object.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// The parsed mesh config. None if its text is not YAML.
    pub(crate) config: Option<Value>,
    /// The path in the object.
    path: Vec<Step>,
    /// Whether it is a string, whose fields have no places of their own.
    is_text: bool,
    /// The version of Istio that is installed, as written.
    pub(crate) istio_version: Option<String>,
    revision: Revision,
}

/// The revision of the istiod that reads a mesh config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Revision {
    #[default]
    Unknown,
    Named(String),
    /// A revision that the Sail operator creates for an `Istio`: its name, possibly with a version
    /// suffix.
    OfIstio(String),
}

impl Revision {
    fn from_values(values: &Value) -> Self {
        let name = values.get("revision").and_then(Value::as_str);
        let name = name.filter(|name| !name.is_empty());
        name.map_or(Self::Unknown, |name| Self::Named(name.to_owned()))
    }

    /// This revision, or the other if unknown.
    fn or(&self, other: &Self) -> Self {
        if *self == Self::Unknown { other } else { self }.clone()
    }
}

/// Kinds with values of Istio's chart `istiod`, or of a chart that includes it, and the path of the
/// values.
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

/// The name of the `ConfigMap` that istiod reads. With a revision, `istio-REVISION`.
const CONFIG_MAP: &str = "istio";

const FIELD: &str = "meshConfig";

impl Placed {
    fn new(config: Option<Value>, path: &[&str]) -> Self {
        Self {
            config,
            path: path.iter().map(|key| step(key)).collect(),
            is_text: false,
            istio_version: None,
            revision: Revision::Unknown,
        }
    }

    /// Whether it may apply to the istiod of this revision.
    pub(crate) fn may_be_for(&self, revision: &str) -> bool {
        match &self.revision {
            Revision::Unknown => true,
            Revision::Named(name) => name == revision,
            Revision::OfIstio(name) => {
                let rest = revision.strip_prefix(&**name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            }
        }
    }

    /// The location in the object of a location in the mesh config.
    pub(crate) fn locate(&self, location: &Location) -> Location {
        let within = if self.is_text { &[] } else { location.steps() };
        self.path.iter().chain(within).cloned().collect()
    }
}

/// The mesh configs in a Kubernetes object.
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
            let values = object.pointer(&pointer);
            let own = object
                .pointer("/spec/meshConfig")
                .filter(|_| kind == "IstioOperator");
            let merged = own.and_then(|own| merged(own, values?.get(FIELD)?));
            if let Some(values) = values {
                found.extend(in_values(values, path, text("/spec/namespace")));
            }
            if merged.is_some() {
                // The one from the values, which was merged into the other.
                let compare_values = [path, &[FIELD][..]].concat();
                let compare_values: Vec<_> = compare_values.into_iter().map(step).collect();
                found.retain(|placed| placed.path != compare_values);
            }
            if let Some(config) = merged.as_ref().or(own) {
                let namespace = text("/spec/values/global/istioNamespace");
                let namespace = namespace.or_else(|| text("/spec/namespace"));
                let config = as_chart_renders(config, namespace);
                found.push(Placed::new(Some(config), &["spec", FIELD]));
            }
            let name = text("/metadata/name").map(str::to_owned);
            let revision = match kind {
                "IstioOperator" => {
                    let named = object
                        .get("spec")
                        .map(Revision::from_values)
                        .unwrap_or_default();
                    named.or(&Revision::Named("default".to_owned()))
                }
                "Istio" => name.map_or(Revision::Unknown, Revision::OfIstio),
                "IstioRevision" => name.map_or(Revision::Unknown, Revision::Named),
                _ => Revision::Unknown,
            };
            for placed in &mut found {
                placed.revision = placed.revision.or(&revision);
                if group == "sailoperator.io" {
                    placed.revision = revision.clone();
                    placed.istio_version = text("/spec/version").map(str::to_owned);
                }
            }
            found
        }
    }
}

/// The mesh configs in Helm values of Istio's chart `istiod`, or of a chart that includes it.
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
        let config = as_chart_renders(config, of_all.as_deref());
        found.push(Placed {
            revision: Revision::from_values(values),
            ..Placed::new(Some(config), &[path, &[FIELD]].concat())
        });
    }
    let of_all_charts = Revision::from_values(values);
    let charts = values.as_object().into_iter().flatten();
    for (chart, values) in charts {
        if let Some(config) = values.get(FIELD) {
            let namespace = global(values).or_else(|| of_all.clone());
            let config = as_chart_renders(config, namespace.as_deref());
            let path = [path, &[chart, FIELD]].concat();
            found.push(Placed {
                revision: Revision::from_values(values).or(&of_all_charts),
                ..Placed::new(Some(config), &path)
            });
        }
    }
    found
}

/// The merge of the two mesh configs of an `IstioOperator`, as in istioctl. None if they have
/// different values for a field.
fn merged(a: &Value, b: &Value) -> Option<Value> {
    let (Value::Object(a), Value::Object(b)) = (a, b) else {
        return (a == b).then(|| a.clone());
    };
    let mut fields = a.clone();
    for (key, value) in b {
        let both = match fields.get(key) {
            Some(known) => merged(known, value)?,
            None => value.clone(),
        };
        fields.insert(key.clone(), both);
    }
    Some(Value::Object(fields))
}

/// The mesh config that Istio's chart creates from its values. It sets two fields itself, which
/// values with the JSON spelling overwrite.
fn as_chart_renders(config: &Value, namespace: Option<&str>) -> Value {
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

/// The mesh config of istiod's `ConfigMap`, where it is a string.
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

/// The mesh config of a `ServiceMeshControlPlane`, which has fields of its own for a part of it
/// (Maistra, `v2.ControlPlaneSpec`). Its namespace is the root namespace.
fn maistra(object: &Value) -> Placed {
    let at = |pointer| object.pointer(pointer).filter(|value| !value.is_null());
    let own = at("/spec/techPreview/meshConfig");
    let namespace = at("/metadata/namespace").and_then(Value::as_str);
    let config = own.map_or_else(|| Cow::Owned(Value::Object(Map::new())), Cow::Borrowed);
    let mut config = as_chart_renders(&config, namespace);
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

/// The location of a mesh config in an unsupported kind, as a field or in a text. Resource
/// definitions contain only its schema.
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

/// Istio's default mesh config, for an installation that sets none.
pub(crate) fn default_for_installation(group: &str, kind: &str, object: &Value) -> Option<Placed> {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let installs = match (group, kind) {
        ("install.istio.io", "IstioOperator") | ("sailoperator.io", "Istio" | "IstioRevision") => {
            true
        }
        ("helm.toolkit.fluxcd.io", "HelmRelease") => text("/spec/chart/spec/chart") == Some(CHART),
        ("argoproj.io", "Application") => text("/spec/source/chart") == Some(CHART),
        _ => false,
    };
    if !installs {
        return None;
    }
    // As if its values had an empty one.
    let mut object = object.clone();
    let spec = object.get_mut("spec").and_then(Value::as_object_mut);
    let (_, _, path) = WITH_VALUES
        .iter()
        .find(|(of_group, of_kind, _)| *of_group == group && *of_kind == kind)?;
    let mut at = Some(spec?);
    for key in path.iter().skip(1) {
        let fields = at?;
        let next = fields
            .entry((*key).to_owned())
            .or_insert_with(|| Value::Object(Map::new()));
        at = next.as_object_mut();
    }
    at?.insert(FIELD.to_owned(), Value::Object(Map::new()));
    let mut placed = find(group, kind, &object).into_iter().next()?;
    placed.path.truncate(1);
    Some(placed)
}

/// The location of another, unsupported mesh config in an object of a supported kind.
pub(crate) fn find_other_unread(group: &str, kind: &str, object: &Value) -> Option<Location> {
    if kind == "ConfigMap" && object.pointer("/data/mesh").is_some() {
        return None;
    }
    let read = WITH_VALUES
        .iter()
        .find(|(of_group, of_kind, _)| *of_group == group && *of_kind == kind);
    let is_maistra = group == "maistra.io";
    let Some((.., path)) = read.filter(|_| !is_maistra) else {
        return find_unread(kind, object).filter(|_| !is_maistra);
    };
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let sources = object.pointer("/spec/valuesFrom").and_then(Value::as_array);
    if sources.is_some_and(|sources| !sources.is_empty())
        && text("/spec/chart/spec/chart").is_none_or(|chart| chart == CHART)
    {
        return Some(["spec", "valuesFrom"].into_iter().map(step).collect());
    }
    let mut rest = object.clone();
    if let Some((last, folder)) = path.split_last()
        && let Some(Value::Object(fields)) = rest.pointer_mut(&format!("/{}", folder.join("/")))
    {
        fields.remove(*last);
        if kind == "IstioOperator" {
            fields.remove(FIELD);
        }
    }
    find_unread(kind, &rest)
}

/// istiod's chart.
const CHART: &str = "istiod";

/// The path to a mesh config, innermost step first.
fn unread(key: &str, value: &Value) -> Option<Vec<Step>> {
    let is_it = match value {
        Value::Object(_) => key == FIELD,
        // The second form is a parameter in Argo CD.
        Value::String(text) => text.contains("meshConfig:") || text.starts_with("meshConfig."),
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
