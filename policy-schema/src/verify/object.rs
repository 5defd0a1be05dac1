//! Objects of Kubernetes, of whatever kind.

use std::fmt;

use serde_json::{Map, Value};

use super::pod::has_sidecar;
use crate::diagnostic::Place;
use crate::policy::Labels;
use crate::yaml::{self, Fault, Node};

/// An object of Kubernetes.
#[derive(Clone, Debug)]
pub struct Object {
    id: ObjectId,
    value: Value,
    place: Option<Place>,
}

/// What tells an object from all others. The version of its kind does not: a cluster gives it in
/// whichever it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ObjectId {
    pub(super) kind: String,
    pub(super) group: String,
    /// Empty for what is of the whole cluster.
    pub(super) namespace: String,
    pub(super) name: String,
}

/// Kinds that are of the whole cluster, among those that are looked at.
const CLUSTER_WIDE: [&str; 2] = ["Namespace", "GatewayClass"];

/// The objects of a text, with those in lists, each at its place. What is no object, such as a
/// `kustomization.yaml` without a kind, is left out.
pub fn objects(source: usize, text: &str) -> Result<Vec<Object>, Vec<Fault>> {
    let mut found = Vec::new();
    for node in &yaml::parse(text)? {
        add(node, source, &mut found)?;
    }
    Ok(found)
}

fn add(node: &Node, source: usize, found: &mut Vec<Object>) -> Result<(), Vec<Fault>> {
    let kind = node
        .field("kind")
        .and_then(Node::as_str)
        .unwrap_or_default();
    if let Some(items) = node.field("items").filter(|_| kind.ends_with("List")) {
        return items
            .elements()
            .iter()
            .try_for_each(|item| add(item, source, found));
    }
    let (value, faults) = yaml::read::<Value>(node);
    if !faults.is_empty() {
        return Err(faults);
    }
    let place = Place {
        source,
        span: node.head(),
    };
    found.extend(value.and_then(Object::new).map(|object| Object {
        place: Some(place),
        ..object
    }));
    Ok(())
}

impl Object {
    /// Reads an object; none if it has no kind or no name.
    pub fn new(value: Value) -> Option<Self> {
        let text = |pointer| value.pointer(pointer).and_then(Value::as_str);
        let kind = text("/kind")?.to_owned();
        let version = text("/apiVersion")?;
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let namespace = if CLUSTER_WIDE.contains(&&*kind) {
            ""
        } else {
            // As `kubectl` applies it.
            text("/metadata/namespace").unwrap_or("default")
        };
        let id = ObjectId {
            group: group.to_owned(),
            namespace: namespace.to_owned(),
            name: text("/metadata/name")?.to_owned(),
            kind,
        };
        Some(Self {
            id,
            value,
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

    /// The namespace; empty for what is of the whole cluster.
    pub fn namespace(&self) -> &str {
        &self.id.namespace
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.id.name
    }

    /// The whole object.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Whether it is a pod with a sidecar that runs.
    pub fn has_sidecar(&self) -> bool {
        let phase = self.text("/status/phase");
        self.is("", "Pod") && phase == Some("Running") && has_sidecar(&self.value)
    }

    /// Where it stands, if it is of a text.
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    pub(super) fn is(&self, group: &str, kind: &str) -> bool {
        self.id.group == group && self.id.kind == kind
    }

    /// The value at a JSON pointer.
    pub(super) fn at(&self, pointer: &str) -> Option<&Value> {
        self.value.pointer(pointer)
    }

    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.at(pointer).and_then(Value::as_str)
    }

    /// The texts under a JSON pointer, such as labels.
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

    /// The labels that its selector asks for; none for everything in its namespace.
    pub(super) fn selector(&self) -> Option<Labels> {
        let labels = self.texts("/spec/selector/matchLabels");
        Some(labels).filter(|labels| !labels.is_empty())
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

/// The texts of a mapping.
pub(super) fn labels(value: Option<&Value>) -> Labels {
    let entries = value.and_then(Value::as_object).into_iter();
    entries
        .flat_map(Map::iter)
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// Whether something with `labels` is selected by all of `wanted`.
pub(super) fn has_all(labels: &Labels, wanted: &Labels) -> bool {
    wanted
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value))
}
