//! Parses texts to documents of known kinds, each with its place.

use super::placed::Placed;
use crate::code;
use crate::diagnostic::{Diagnostic, SourceText};
use crate::document::{MeshDocument, ServicePolicyDocument};
use crate::yaml::{self, Node, Span, closest, quoted};

/// The API group of all documents.
const API_GROUP: &str = "peergate.dev/";

/// The supported version.
const VERSION: &str = "peergate.dev/v1alpha1";

/// The kinds of documents.
const KINDS: [&str; 2] = ["Mesh", "ServicePolicy"];

/// All documents of one run.
#[derive(Debug, Default)]
pub(super) struct Documents<'t> {
    pub(super) meshes: Vec<Placed<'t, MeshDocument>>,
    pub(super) policies: Vec<Unread<'t>>,
    /// Whether a document could not be read that may be the mesh.
    pub(super) has_unread_document: bool,
    /// Problems of the texts themselves.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The total length of the texts in bytes.
    pub(super) text_length: usize,
    /// Which problems to look for.
    pub(super) wanted: Wanted,
}

/// Which problems to look for in documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All problems, for documents that a user wrote.
    #[default]
    Everything,
    /// Only errors, for generated documents.
    Errors,
}

/// The document of a policy, read only when it is needed. Rules dominate the input, and this avoids
/// holding all of them both as written and as compiled.
#[derive(Debug)]
pub(super) enum Unread<'t> {
    /// A parsed document.
    Parsed {
        source: usize,
        text: &'t str,
        node: Node,
    },
    /// A generated document.
    Generated {
        source: usize,
        document: &'t ServicePolicyDocument,
    },
}

impl<'t> Unread<'t> {
    /// Reads the document. None if its structure is invalid.
    pub(super) fn read(
        self,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Placed<'t, ServicePolicyDocument>> {
        match self {
            Self::Parsed { source, text, node } => Placed::read(source, text, &node, diagnostics),
            Self::Generated { source, document } => Some(Placed::generated(source, document)),
        }
    }
}

/// Reads every document of every text.
pub(super) fn read(sources: &[SourceText]) -> Documents<'_> {
    let mut documents = Documents {
        text_length: sources.iter().map(|source| source.text.len()).sum(),
        ..Documents::default()
    };
    for (source, text) in sources.iter().enumerate() {
        match yaml::parse(&text.text) {
            Ok(nodes) => {
                for node in nodes {
                    documents.read_node(source, &text.text, node);
                }
            }
            Err(faults) => {
                documents.has_unread_document = true;
                let faults = faults.into_iter();
                documents
                    .diagnostics
                    .extend(faults.map(|fault| Diagnostic::from_fault(source, fault)));
            }
        }
    }
    let is_empty = documents.meshes.is_empty() && documents.policies.is_empty();
    if is_empty && documents.diagnostics.is_empty() {
        documents.diagnostics.push(Diagnostic {
            code: code::NO_DOCUMENTS,
            source: 0,
            span: Span::default(),
            message: "no policy document found".to_owned(),
            help: "create one with `peergate init`".to_owned(),
            related: None,
        });
    }
    documents
}

impl<'t> Documents<'t> {
    /// Wraps generated documents. The mesh is the first source, and each policy is a source of its
    /// own.
    pub(super) fn generated(
        mesh: &'t MeshDocument,
        policies: impl Iterator<Item = &'t ServicePolicyDocument>,
    ) -> Self {
        let policies = policies
            .enumerate()
            .map(|(position, document)| Unread::Generated {
                source: position + 1,
                document,
            });
        Self {
            meshes: vec![Placed::generated(0, mesh)],
            policies: policies.collect(),
            wanted: Wanted::Errors,
            ..Self::default()
        }
    }

    fn read_node(&mut self, source: usize, text: &'t str, node: Node) {
        let text_of = |key| node.field(key).and_then(Node::as_str);
        let group = text_of("apiVersion").filter(|version| version.starts_with(API_GROUP));
        match (group, text_of("kind")) {
            (Some(_), Some("Mesh")) => {
                match Placed::read(source, text, &node, &mut self.diagnostics) {
                    Some(mesh) => self.meshes.push(mesh),
                    None => self.has_unread_document = true,
                }
            }
            (Some(_), Some("ServicePolicy")) => {
                self.policies.push(Unread::Parsed { source, text, node });
            }
            (version, kind) => {
                self.has_unread_document = true;
                let written = text_of("apiVersion");
                let (about, message, help) = match (version, kind) {
                    (None, kind) => {
                        let (message, help) = unknown_version(written, kind);
                        ("apiVersion", message, help)
                    }
                    (_, None) => (
                        "kind",
                        "the document has no `kind`".to_owned(),
                        "add `kind: Mesh` or `kind: ServicePolicy`".to_owned(),
                    ),
                    (_, Some(kind)) => (
                        "kind",
                        format!("unknown kind {}", quoted(kind)),
                        unknown_kind(kind),
                    ),
                };
                let span = node.field(about).map_or_else(|| node.head(), Node::span);
                self.diagnostics.push(Diagnostic {
                    code: code::UNKNOWN_KIND,
                    source,
                    span,
                    message,
                    help,
                    related: None,
                });
            }
        }
    }
}

/// The message and help for a document of an unknown version.
fn unknown_version(version: Option<&str>, kind: Option<&str>) -> (String, String) {
    let Some(version) = version else {
        return (
            "the document has no `apiVersion`".to_owned(),
            format!("add `apiVersion: {VERSION}`"),
        );
    };
    let message = format!(
        "not a Peergate document: its `apiVersion` is {}",
        quoted(version)
    );
    let is_ours = kind.is_some_and(|kind| KINDS.contains(&kind));
    let help = if version
        .split('/')
        .next()
        .is_some_and(|group| group.ends_with("istio.io"))
    {
        "convert it with `peergate import istio FILE`".to_owned()
    } else if is_ours || closest(version, &[VERSION]).is_some() {
        format!("write `apiVersion: {VERSION}`")
    } else {
        format!(
            "remove it, or write `apiVersion: {VERSION}` and `kind: Mesh` or `kind: ServicePolicy`"
        )
    };
    (message, help)
}

/// The help for an unknown kind.
fn unknown_kind(kind: &str) -> String {
    match closest(kind, &KINDS) {
        Some(meant) => format!("did you mean `kind: {meant}`?"),
        None if kind == "AuthorizationPolicy" => {
            "write `kind: ServicePolicy`; `peergate import istio FILE` converts Istio's policies"
                .to_owned()
        }
        None => "write `kind: Mesh` or `kind: ServicePolicy`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Cursor;

    #[test]
    fn places_are_the_same_when_a_document_is_parsed_again() {
        let flow = "{apiVersion: peergate.dev/v1alpha1, kind: ServicePolicy, metadata: {name: a, namespace: n}, spec: {rules: [3, {id: r, effect: Allow, to: [{methods: [GET]}]}]}}";
        let block = "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\nmetadata: {name: b, namespace: n}\nspec:\n  rules:\n    - 3\n    - id: r\n      effect: Allow\n      to: [{methods: [GET]}]\n";
        let indented = format!("   {}\n", block.trim_end().replace('\n', "\n   "));
        let text = format!(
            "# ä\n--- {flow}\n---\n{block}---\n# more\n{indented}...\n---\n{}",
            block.replace('\n', "\r\n")
        );
        let sources = [SourceText {
            name: "policies.yaml".to_owned(),
            text,
        }];
        let mut seen = Vec::new();
        let nodes = yaml::parse(&sources[0].text).expect("YAML");
        for (document, node) in read(&sources).policies.into_iter().zip(nodes) {
            let _ = yaml::read::<ServicePolicyDocument>(&node);
            let placed = document.read(&mut Vec::new()).expect("a policy");
            let spec = Cursor::Root.key("spec");
            let rules = spec.key("rules");
            let rule = rules.index(0);
            let to = rule.key("to");
            let operation = to.index(0);
            let locations = [
                &Cursor::Root,
                &rules,
                &rule,
                &operation.key("methods"),
                &rule.key("from"),
            ]
            .map(Cursor::location);
            let in_whole_text = locations.clone().map(|location| node.locate(&location));
            let alone = locations.map(|location| placed.locate(&location));
            assert_eq!(alone, in_whole_text, "{}", placed.document.metadata.name);
            seen.push(alone);
        }
        assert_eq!(seen.len(), 4);
        assert!(seen.iter().flatten().all(|span| span.start < span.end));
    }
}
