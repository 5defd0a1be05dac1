//! Texts → documents of known kinds, each with its place.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde::de::DeserializeOwned;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, Place, SourceText};
use crate::document::{MeshDocument, ServicePolicyDocument};
use crate::policy::ServicePolicy;
use crate::problem::{Cursor, Location, Problem, Problems};
use crate::yaml::{self, Fault, Node, Span};

/// The API group of all documents.
const API_GROUP: &str = "peergate.dev/";

/// All documents of an input.
#[derive(Debug, Default)]
pub(super) struct Documents<'t> {
    pub(super) meshes: Vec<Placed<'t, MeshDocument>>,
    pub(super) policies: Vec<Unread<'t>>,
    /// Whether there is a document that could not be read, and that may be the mesh.
    pub(super) has_unread_document: bool,
    /// What was wrong with the texts themselves.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// The document of a policy. It is read when its turn comes: most of an input is rules, and not all of them need be
/// there as written and as meant at once.
#[derive(Debug)]
pub(super) struct Unread<'t> {
    source: usize,
    text: &'t str,
    node: Node,
}

impl<'t> Unread<'t> {
    /// Reads the document; none if it has not the form of one.
    pub(super) fn read(
        self,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Placed<'t, ServicePolicyDocument>> {
        read_document(self.source, self.text, self.node, diagnostics)
    }
}

/// A document, and where it stands.
#[derive(Debug)]
pub(super) struct Placed<'t, D> {
    pub(super) source: usize,
    pub(super) document: D,
    places: Places<'t>,
    faults: Vec<Span>,
}

/// The documents of policies, by namespace and name.
#[derive(Debug)]
pub(super) struct DocumentsByName<'d>(
    HashMap<(&'d str, &'d str), &'d Placed<'d, ServicePolicyDocument>>,
);

impl<'d> DocumentsByName<'d> {
    /// Of several with the same name it knows the first.
    pub(super) fn of(documents: &'d [Placed<'d, ServicePolicyDocument>]) -> Self {
        let mut by_name = HashMap::with_capacity(documents.len());
        for placed in documents {
            let metadata = &placed.document.metadata;
            let name = (metadata.namespace.as_str(), metadata.name.as_str());
            by_name.entry(name).or_insert(placed);
        }
        Self(by_name)
    }

    /// The document of a policy.
    pub(super) fn get(
        &self,
        policy: &ServicePolicy,
    ) -> Option<&'d Placed<'d, ServicePolicyDocument>> {
        self.0.get(&policy.name().as_pair()).copied()
    }
}

impl<D: DeserializeOwned> Placed<'_, D> {
    /// Where the document begins in its text.
    pub(super) fn start(&self) -> usize {
        self.places.span.start
    }

    /// The span of the value at a location.
    fn locate(&self, location: &Location) -> Span {
        self.places.locate::<D>(location)
    }

    /// The place of the value at a cursor.
    pub(super) fn place_of(&self, cursor: &Cursor<'_>) -> Place {
        Place {
            source: self.source,
            span: self.locate(&cursor.location()),
        }
    }

    /// Drops the places of values. Asking for one parses the document again.
    pub(super) fn forget_places(&mut self) {
        self.places.tree = OnceCell::new();
    }

    /// Adds a diagnostic at `cursor`.
    pub(super) fn report(
        &self,
        diagnostics: &mut Vec<Diagnostic>,
        code: Code,
        cursor: &Cursor<'_>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let mut problems = Problems::default();
        problems.report(code, cursor, message, help);
        self.place(problems, diagnostics);
    }

    /// Adds a diagnostic at `cursor` that points at the same place of `first` as well.
    pub(super) fn report_beside(
        &self,
        first: &Self,
        diagnostics: &mut Vec<Diagnostic>,
        code: Code,
        cursor: &Cursor<'_>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let location = cursor.location();
        diagnostics.push(Diagnostic {
            code,
            source: self.source,
            span: self.locate(&location),
            message: message.into(),
            help: help.into(),
            related: Some(Place {
                source: first.source,
                span: first.locate(&location),
            }),
        });
    }

    /// Gives each problem its place in the text.
    pub(super) fn place(&self, problems: Problems, diagnostics: &mut Vec<Diagnostic>) {
        for problem in problems.into_vec() {
            let span = self.locate(&problem.location);
            if !self.follows_from_fault(&problem, span) {
                diagnostics.push(Diagnostic {
                    code: problem.code,
                    source: self.source,
                    span,
                    message: problem.message,
                    help: problem.help,
                    related: None,
                });
            }
        }
    }

    /// Whether something seems to be missing only because what is there was refused already.
    fn follows_from_fault(&self, problem: &Problem, span: Span) -> bool {
        matches!(problem.code, Code::EmptyMatcher | Code::EmptyList) && {
            let first = self
                .faults
                .partition_point(|fault| fault.start < span.start);
            let mut rest = self.faults.iter().skip(first);
            rest.find_map(|fault| {
                let is_within = fault.end <= span.end;
                (is_within || fault.start > span.end).then_some(is_within)
            }) == Some(true)
        }
    }
}

/// The places of a document's values. Trees are many times as long as their texts, so one is made where a place is
/// asked for.
#[derive(Debug)]
struct Places<'t> {
    text: &'t str,
    /// The whole document.
    span: Span,
    /// The document, and where in the text its spans begin.
    tree: OnceCell<(Node, usize)>,
}

impl<'t> Places<'t> {
    fn of(text: &'t str, node: Node) -> Self {
        Self {
            text,
            span: node.span(),
            tree: OnceCell::from((node, 0)),
        }
    }

    fn locate<D: DeserializeOwned>(&self, location: &Location) -> Span {
        if self.tree.get().is_none()
            && let Some(tree) = self.parse::<D>()
        {
            let _ = self.tree.set(tree);
        }
        let Some((node, start)) = self.tree.get() else {
            return self.span;
        };
        let span = node.locate(location);
        Span {
            start: start + span.start,
            end: start + span.end,
        }
    }

    /// The document alone, from the beginning of its first line, since the others are indented as much.
    fn parse<D: DeserializeOwned>(&self) -> Option<(Node, usize)> {
        let before = self.text.get(..self.span.start)?;
        let indentation = before.len() - before.trim_end_matches(' ').len();
        let is_line = before.len() == indentation
            || before.as_bytes().get(before.len() - indentation - 1) == Some(&b'\n');
        let start = if is_line {
            self.span.start - indentation
        } else {
            self.span.start
        };
        let nodes = yaml::parse(self.text.get(start..self.span.end)?).ok()?;
        let node = nodes.into_iter().next()?;
        // Which elements of a list count depends on which of them could be read.
        let _ = yaml::read::<D>(&node);
        Some((node, start))
    }
}

/// Reads every document of every text.
pub(super) fn read(sources: &[SourceText]) -> Documents<'_> {
    let mut documents = Documents::default();
    for (source, text) in sources.iter().enumerate() {
        match yaml::parse(&text.text) {
            Ok(nodes) => {
                for node in nodes {
                    documents.read_node(source, &text.text, node);
                }
            }
            Err(faults) => {
                documents.has_unread_document = true;
                report_faults(source, faults, &mut documents.diagnostics);
            }
        }
    }
    let is_empty = documents.meshes.is_empty() && documents.policies.is_empty();
    if is_empty && documents.diagnostics.is_empty() {
        documents.diagnostics.push(Diagnostic {
            code: Code::NoDocuments,
            source: 0,
            span: Span::default(),
            message: "there is no policy document here".to_owned(),
            help: "begin with `peergate init`".to_owned(),
            related: None,
        });
    }
    documents
}

impl<'t> Documents<'t> {
    fn read_node(&mut self, source: usize, text: &'t str, node: Node) {
        let text_of = |key| node.field(key).and_then(Node::as_str);
        let group = text_of("apiVersion").filter(|version| version.starts_with(API_GROUP));
        match (group, text_of("kind")) {
            (Some(_), Some("Mesh")) => {
                match read_document(source, text, node, &mut self.diagnostics) {
                    Some(mesh) => self.meshes.push(mesh),
                    None => self.has_unread_document = true,
                }
            }
            (Some(_), Some("ServicePolicy")) => {
                self.policies.push(Unread { source, text, node });
            }
            (version, kind) => {
                self.has_unread_document = true;
                let (about, message) = match (version, kind) {
                    (None, _) => (
                        "apiVersion",
                        "this is no Peergate document: its `apiVersion` is not `peergate.dev/…`"
                            .to_owned(),
                    ),
                    (_, None) => ("kind", "the document has no `kind`".to_owned()),
                    (_, Some(kind)) => ("kind", format!("there is no kind `{kind}`")),
                };
                let span = node.field(about).map_or_else(|| node.head(), Node::span);
                self.diagnostics.push(Diagnostic {
                    code: Code::UnknownKind,
                    source,
                    span,
                    message,
                    help: "write `apiVersion: peergate.dev/v1alpha1` and `kind: Mesh` or `kind: ServicePolicy`".to_owned(),
                    related: None,
                });
            }
        }
    }
}

fn read_document<'t, D: DeserializeOwned>(
    source: usize,
    text: &'t str,
    node: Node,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Placed<'t, D>> {
    let (document, faults) = yaml::read(&node);
    let mut spans: Vec<_> = faults.iter().map(|fault| fault.span).collect();
    spans.sort_unstable();
    report_faults(source, faults, diagnostics);
    Some(Placed {
        source,
        document: document?,
        places: Places::of(text, node),
        faults: spans,
    })
}

fn report_faults(source: usize, faults: Vec<Fault>, diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.extend(faults.into_iter().map(|fault| Diagnostic {
        code: fault.code,
        source,
        span: fault.span,
        message: fault.message,
        help: fault.help,
        related: None,
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for document in read(&sources).policies {
            let mut placed = document.read(&mut Vec::new()).expect("a policy");
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
            let locate = |placed: &Placed<'_, ServicePolicyDocument>| {
                locations.clone().map(|location| placed.locate(&location))
            };
            let before = locate(&placed);
            placed.forget_places();
            assert_eq!(locate(&placed), before, "{}", placed.document.metadata.name);
            seen.push(before);
        }
        assert_eq!(seen.len(), 4);
        assert!(seen.iter().flatten().all(|span| span.start < span.end));
    }
}
