//! Finds the Kubernetes objects in a YAML text: one per document, or in lists as the API server
//! returns them.

use crate::code::{self, Code};
use crate::yaml::{Fault, Node};

/// A document of a manifest, or an item of a list in it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'n> {
    /// An object.
    Object(ManifestObject<'n>),
    /// A mapping that is not an object, such as Helm values.
    Other(&'n Node),
}

/// An object, with its own kind or that of its list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ManifestObject<'n> {
    pub(crate) node: &'n Node,
    pub(crate) api_version: &'n str,
    pub(crate) kind: &'n str,
}

/// The suffix of kinds of lists.
const LIST: &str = "List";

/// The fields of objects. A document with any of them is an object, or an incomplete one.
const OBJECT_FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "items"];

impl ManifestObject<'_> {
    /// The API group. Empty for the core group.
    pub(crate) fn group(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
    }
}

/// The kind that items inherit from their list.
#[derive(Clone, Copy, Debug, Default)]
struct ItemKind<'n> {
    api_version: Option<&'n str>,
    kind: Option<&'n str>,
}

/// All objects in a document, in order. Lists of any kind are replaced by their items, which
/// inherit the kind and version of their list, as in `kubectl`.
///
/// # Errors
///
/// Every document and item that is neither a valid object nor recognizably something else.
pub(crate) fn parts(document: &Node) -> (Vec<Part<'_>>, Vec<Fault>) {
    let mut found = Found::default();
    found.add_document(document);
    (found.parts, found.faults)
}

#[derive(Default)]
struct Found<'n> {
    parts: Vec<Part<'n>>,
    faults: Vec<Fault>,
}

impl<'n> Found<'n> {
    fn add_document(&mut self, node: &'n Node) {
        if node.is_null() {
            return;
        }
        let has = |field: &&str| node.field(field).is_some();
        let is_object = OBJECT_FIELDS.iter().any(has) && !is_chart(node);
        if node.is_mapping() && !is_object {
            self.parts.push(Part::Other(node));
        } else {
            self.add(node, ItemKind::default());
        }
    }

    fn add(&mut self, node: &'n Node, inherited: ItemKind<'n>) {
        if !node.is_mapping() {
            return self.refuse(
                node,
                code::WRONG_TYPE,
                "this is not a Kubernetes object".to_owned(),
                "write a mapping with `apiVersion`, `kind` and `metadata`; put several objects into separate documents or the `items` of a `List`",
            );
        }
        let Some((api_version, kind)) = self.kind_of(node, inherited) else {
            return;
        };
        match node.field("items") {
            Some(items) if items.is_list() => {
                let item_kind = kind.strip_suffix(LIST).unwrap_or(kind);
                let inherited = if item_kind.is_empty() {
                    ItemKind::default()
                } else {
                    ItemKind {
                        api_version: Some(api_version),
                        kind: Some(item_kind),
                    }
                };
                for item in items.elements() {
                    self.add(item, inherited);
                }
            }
            Some(items) => self.refuse(
                items,
                code::WRONG_TYPE,
                format!("the `items` of a `{kind}` are not a list"),
                "write a list of objects",
            ),
            // A list that is `null` has no elements.
            None if node.keys().any(|(key, _)| key == "items") => {}
            None => self.parts.push(Part::Object(ManifestObject {
                node,
                api_version,
                kind,
            })),
        }
    }

    /// The version and the kind of an object or a list.
    fn kind_of(&mut self, node: &'n Node, inherited: ItemKind<'n>) -> Option<(&'n str, &'n str)> {
        let own = |field| node.field(field).and_then(Node::as_str);
        let own_kind = own("kind");
        // The version applies only to the kind that it is inherited with.
        let is_of_list = own_kind.is_none() || own_kind == inherited.kind;
        let own_version = own("apiVersion");
        let version = own_version.or(inherited.api_version.filter(|_| is_of_list));
        let kind = own_kind.or(inherited.kind);
        let (Some(version), Some(kind)) = (version, kind) else {
            let field = if kind.is_none() { "kind" } else { "apiVersion" };
            self.refuse(
                node,
                code::MISSING_FIELD,
                format!("this object has no `{field}`, so it cannot be compared"),
                "set `apiVersion` and `kind` as in the cluster, or remove the document",
            );
            return None;
        };
        if !is_api_version(version) {
            self.refuse(
                node,
                code::UNKNOWN_VALUE,
                format!("`{version}` is not an `apiVersion`"),
                "write `GROUP/VERSION`, such as `security.istio.io/v1`, or `v1`",
            );
            return None;
        }
        Some((version, kind))
    }

    fn refuse(&mut self, node: &Node, code: Code, message: String, help: &str) {
        self.faults.push(Fault {
            code,
            span: node.head(),
            message,
            help: help.to_owned(),
        });
    }
}

/// Helm's `Chart.yaml` has a version and no kind.
fn is_chart(node: &Node) -> bool {
    let version = node.field("apiVersion").and_then(Node::as_str);
    let others = ["kind", "metadata", "spec", "items"];
    matches!(version, Some("v1" | "v2"))
        && node.field("name").is_some()
        && node.field("version").is_some()
        && others.iter().all(|field| node.field(field).is_none())
}

/// Whether it is `v1`, or a version of a group.
fn is_api_version(text: &str) -> bool {
    let is_version = |text: &str| {
        let digits = text.strip_prefix('v').unwrap_or_default();
        digits.starts_with(|first: char| first.is_ascii_digit())
    };
    match text.split_once('/') {
        Some((group, version)) => !group.is_empty() && is_version(version),
        None => is_version(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::manifests;

    /// Each part as `VERSION KIND NAME`, and each fault.
    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let documents = manifests(text).map(|manifest| manifest.unwrap().document);
        let documents: Vec<_> = documents.collect();
        let read: Vec<_> = documents.iter().map(parts).collect();
        let parts: Vec<_> = read.iter().flat_map(|(parts, _)| parts).collect();
        let faults: Vec<_> = read.iter().flat_map(|(_, faults)| faults).collect();
        let shown = |part: &&Part<'_>| match part {
            Part::Object(object) => {
                let name = object
                    .node
                    .field("metadata")
                    .and_then(|node| node.field("name"));
                let name = name.and_then(Node::as_str).unwrap_or("-");
                format!("{} {} {name}", object.api_version, object.kind)
            }
            Part::Other(_) => "other".to_owned(),
        };
        let faults = faults.into_iter().map(|fault| fault.message.clone());
        (parts.iter().map(shown).collect(), faults.collect())
    }

    #[test]
    fn items_have_the_kind_of_their_list_unless_they_have_their_own() {
        let a = "{metadata: {name: a}}";
        let b = "{apiVersion: v1, kind: Pod, metadata: {name: b}}";
        for (text, expected) in [
            (
                format!("{{apiVersion: g.io/v1, kind: ThingList, items: [{a}, {b}]}}"),
                &["g.io/v1 Thing a", "v1 Pod b"][..],
            ),
            (
                format!("{{apiVersion: v1, kind: PodList, items: [{a}]}}"),
                &["v1 Pod a"],
            ),
            (
                format!("{{apiVersion: v1, kind: List, items: [{b}]}}"),
                &["v1 Pod b"],
            ),
            (
                format!(
                    "{{apiVersion: v1, kind: List, items: [{{apiVersion: g.io/v1, kind: ThingList, items: [{a}]}}]}}"
                ),
                &["g.io/v1 Thing a"],
            ),
            (
                format!("{{apiVersion: g.io/v1, kind: ThingList, items: [{{items: [{a}]}}]}}"),
                &["g.io/v1 Thing a"],
            ),
            (
                "{apiVersion: g.io/v1, kind: Thing, items: [{metadata: {name: a}}]}".to_owned(),
                &["g.io/v1 Thing a"],
            ),
            (
                "{apiVersion: v1, kind: PodList, items: null}".to_owned(),
                &[],
            ),
            ("{apiVersion: v1, kind: PodList, items: []}".to_owned(), &[]),
            // Not every kind with this suffix is a list.
            (
                "{apiVersion: g.io/v1, kind: AllowList, metadata: {name: a}}".to_owned(),
                &["g.io/v1 AllowList a"],
            ),
        ] {
            let expected: Vec<_> = expected.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(read(&text), (expected, vec![]), "{text}");
        }
    }

    #[test]
    fn reports_documents_that_are_not_valid_objects() {
        let no_kind = "this object has no `kind`, so it cannot be compared";
        let no_version = "this object has no `apiVersion`, so it cannot be compared";
        let no_object = "this is not a Kubernetes object";
        for (text, expected) in [
            ("{metadata: {name: a}, spec: {}}", no_kind),
            ("{apiVersion: v1, metadata: {name: a}}", no_kind),
            ("{apiVersion: v1, kind: 5}", no_kind),
            ("{kind: Pod, metadata: {name: a}}", no_version),
            ("{items: []}", no_kind),
            (
                "{apiVersion: v1, kind: List, items: [{metadata: {name: a}}]}",
                no_kind,
            ),
            (
                "{apiVersion: v1, kind: PodList, items: [{kind: Service, metadata: {name: a}}]}",
                no_version,
            ),
            ("{apiVersion: v1, kind: PodList, items: [null]}", no_object),
            ("{apiVersion: v1, kind: PodList, items: [a]}", no_object),
            (
                "{apiVersion: v1, kind: PodList, items: {a: 1}}",
                "the `items` of a `PodList` are not a list",
            ),
            ("[{apiVersion: v1, kind: Pod}]", no_object),
            ("a text", no_object),
            (
                "{apiVersion: security.istio.io, kind: PeerAuthentication}",
                "`security.istio.io` is not an `apiVersion`",
            ),
        ] {
            assert_eq!(read(text), (vec![], vec![expected.to_owned()]), "{text}");
        }
    }

    #[test]
    fn recognizes_documents_that_are_not_objects() {
        for text in [
            "{meshConfig: {}}",
            "{resources: [a.yaml]}",
            "{apiVersion: v2, name: chart, version: 0.1.0}",
        ] {
            assert_eq!(read(text), (vec!["other".to_owned()], vec![]), "{text}");
        }
        assert_eq!(read("null\n---\n~\n"), (vec![], vec![]));
    }
}
