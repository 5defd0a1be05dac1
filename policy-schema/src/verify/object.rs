//! Kubernetes objects of any kind.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::content::Content;
use super::helm_values::HelmValues;
use super::pod::has_sidecar;
use crate::code;
use crate::diagnostic::Place;
use crate::manifest::{self, ManifestObject, Part};
use crate::policy::Labels;
use crate::yaml::{self, Fault, Node};

/// A Kubernetes object.
#[derive(Clone, Debug)]
pub struct Object {
    id: ObjectId,
    content: Content,
    place: Option<Place>,
}

/// The identity of an object. The API version is not part of it: a cluster returns objects in any
/// requested version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ObjectId {
    pub(super) kind: String,
    pub(super) group: String,
    /// Empty for cluster-wide objects.
    pub(super) namespace: String,
    pub(super) name: String,
}

/// Cluster-wide kinds, among those that are read.
const CLUSTER_WIDE: [&str; 4] = ["GatewayClass", "Istio", "IstioRevision", "Namespace"];

/// The API groups of the objects that are read, in addition to those of Istio.
const GROUPS: [&str; 5] = [
    "",
    "apps",
    "batch",
    "gateway.networking.k8s.io",
    "networking.k8s.io",
];

/// Kinds with one or more objects per policy, which are only compared with the rendered ones.
const COMPARED: [&str; 3] = ["AuthorizationPolicy", "TrafficExtension", "WasmPlugin"];

/// The group of `kustomization.yaml`, which is expected next to the objects in a folder.
const KUSTOMIZE: &str = "kustomize.config.k8s.io";

/// The content of a text of manifests.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// The objects, including those in lists, each with its place.
    pub objects: Vec<Object>,
    /// Helm values of Istio.
    pub values: Vec<HelmValues>,
    /// The places of documents that are neither objects of a cluster nor Helm values of Istio.
    pub skipped: Vec<Place>,
}

/// Parses a text of manifests.
///
/// # Errors
///
/// Texts that are not YAML, and everything that is not a valid object.
pub fn manifest(source: usize, text: &str) -> Result<Manifest, Vec<Fault>> {
    let mut found = Manifest::default();
    let mut faults = Vec::new();
    for read in yaml::manifests(text) {
        match read {
            Ok(read) => found.add_document(&read.document, source, &mut faults),
            Err(unreadable) => faults.push(unreadable.fault),
        }
    }
    if faults.is_empty() {
        Ok(found)
    } else {
        faults.sort_by_key(|fault| fault.span);
        Err(faults)
    }
}

fn place(node: &Node, source: usize) -> Place {
    let span = node.head();
    Place { source, span }
}

impl Manifest {
    fn add_document(&mut self, document: &Node, source: usize, faults: &mut Vec<Fault>) {
        let (parts, unreadable) = manifest::parts(document);
        faults.extend(unreadable);
        for part in parts {
            match part {
                Part::Object(object) => self.add(object, source, faults),
                Part::Other(node) => match HelmValues::read(node, place(node, source)) {
                    Some(values) => self.values.push(values),
                    None => self.skipped.push(place(node, source)),
                },
            }
        }
    }

    fn add(&mut self, object: ManifestObject<'_>, source: usize, faults: &mut Vec<Fault>) {
        let node = object.node;
        let place = place(node, source);
        let metadata = node.field("metadata");
        let text = |field| metadata.and_then(|metadata| metadata.field(field)?.as_str());
        let mut refuse = |code, message: &str, help: &str| {
            faults.push(Fault {
                code,
                span: place.span,
                message: message.to_owned(),
                help: help.to_owned(),
            });
        };
        let namespace = metadata.and_then(|metadata| metadata.field("namespace"));
        if namespace.is_some() && text("namespace").is_none() {
            return refuse(
                code::WRONG_TYPE,
                "the namespace of this object is not a string",
                "set `metadata.namespace` to a string",
            );
        }
        // Kubernetes generates a name with the prefix in the other field.
        let Some(name) = text("name").or_else(|| text("generateName")) else {
            let group = object.group();
            let is_looked_at = GROUPS.contains(&group)
                || (group.ends_with(".istio.io") && group != "install.istio.io");
            if is_looked_at {
                refuse(
                    code::MISSING_FIELD,
                    "this object has no name, so it cannot be compared",
                    "set `metadata.name` to a string, or remove the document",
                );
            } else if group != KUSTOMIZE {
                self.skipped.push(place);
            }
            return;
        };
        let (value, unreadable) = yaml::read::<Value>(node);
        faults.extend(unreadable);
        let value = value.and_then(|value| match value {
            Value::Object(mut fields) => {
                fields.insert("apiVersion".to_owned(), object.api_version.into());
                fields.insert("kind".to_owned(), object.kind.into());
                Some(Value::Object(fields))
            }
            _ => None,
        });
        self.objects.extend(value.map(|value| Object {
            id: ObjectId::new(object.group(), object.kind, text("namespace"), name),
            content: if is_only_compared(object.kind) {
                Content::packed(value)
            } else {
                value.into()
            },
            place: Some(place),
        }));
    }
}

impl Object {
    /// Creates an object. None if it has no kind or no name.
    pub fn new(value: Value) -> Option<Self> {
        let text = |pointer| value.pointer(pointer).and_then(Value::as_str);
        let (kind, name) = (text("/kind")?, text("/metadata/name")?);
        let version = text("/apiVersion")?;
        let group = version.split_once('/').map_or("", |(group, _)| group);
        Some(Self {
            id: ObjectId::new(group, kind, text("/metadata/namespace"), name),
            content: value.into(),
            place: None,
        })
    }

    pub(super) fn id(&self) -> &ObjectId {
        &self.id
    }

    /// The kind, without its group.
    pub fn kind(&self) -> &str {
        &self.id.kind
    }

    /// The namespace. Empty for cluster-wide objects.
    pub fn namespace(&self) -> &str {
        &self.id.namespace
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.id.name
    }

    /// The whole object.
    pub fn value(&self) -> &Value {
        self.content.value()
    }

    /// Whether only its metadata and its difference from the rendered object are needed.
    pub(super) fn is_only_compared(&self) -> bool {
        is_only_compared(self.kind())
    }

    /// Packs the object to save memory.
    pub(super) fn packed(self) -> Self {
        Self {
            content: Content::packed(self.content.into_value()),
            ..self
        }
    }

    /// The object for a single use. An unpacked tree is dropped with the result.
    pub(super) fn opened(&self) -> Cow<'_, Self> {
        match self.content.unpacked() {
            None => Cow::Borrowed(self),
            Some(value) => Cow::Owned(Self {
                id: self.id.clone(),
                content: value.into(),
                place: self.place,
            }),
        }
    }

    /// Whether it is a pod with a running sidecar.
    pub fn has_sidecar(&self) -> bool {
        let phase = self.text("/status/phase");
        self.is("", "Pod") && phase == Some("Running") && has_sidecar(self.value())
    }

    /// The place in a text, if it has one.
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    pub(super) fn is(&self, group: &str, kind: &str) -> bool {
        self.id.group == group && self.id.kind == kind
    }

    /// The value at a JSON pointer.
    pub(super) fn at(&self, pointer: &str) -> Option<&Value> {
        self.content.at(pointer)
    }

    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.at(pointer).and_then(Value::as_str)
    }

    /// The strings of the mapping at a JSON pointer, such as labels.
    pub(super) fn texts(&self, pointer: &str) -> Labels {
        labels(self.at(pointer))
    }

    pub(super) fn label(&self, key: &str) -> Option<&str> {
        let labels = self.at("/metadata/labels")?;
        labels.get(key)?.as_str()
    }

    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        let annotations = self.at("/metadata/annotations")?;
        annotations.get(key)?.as_str()
    }

    /// The labels of its selector. None if it applies to its whole namespace.
    pub(super) fn selector(&self) -> Option<Labels> {
        let labels = self.texts("/spec/selector/matchLabels");
        Some(labels).filter(|labels| !labels.is_empty())
    }
}

fn is_only_compared(kind: &str) -> bool {
    COMPARED.contains(&kind)
}

impl ObjectId {
    fn new(group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        let namespace = if CLUSTER_WIDE.contains(&kind) {
            ""
        } else {
            // The default of `kubectl apply`.
            namespace.unwrap_or("default")
        };
        Self {
            kind: kind.to_owned(),
            group: group.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            namespace,
            name,
            ..
        } = self;
        if namespace.is_empty() {
            write!(f, "{kind} {name}")
        } else {
            write!(f, "{kind} {namespace}/{name}")
        }
    }
}

/// The objects by ID. Inputs may contain the same object more than once, in different versions.
pub(super) fn by_id(objects: &[Object]) -> BTreeMap<&ObjectId, Vec<&Object>> {
    let mut found = BTreeMap::<_, Vec<_>>::new();
    for object in objects {
        found.entry(object.id()).or_default().push(object);
    }
    found
}

/// The strings of a mapping.
pub(super) fn labels(value: Option<&Value>) -> Labels {
    let entries = value.and_then(Value::as_object).into_iter();
    entries
        .flat_map(Map::iter)
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// Whether `labels` include all of `wanted`.
pub(super) fn has_all(labels: &Labels, wanted: &Labels) -> bool {
    wanted
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value))
}
