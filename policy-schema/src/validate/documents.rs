//! Texts → documents of known kinds, each with its place.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::code::{self, Code, Severity};
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
    /// How many bytes the texts have together.
    pub(super) text_length: usize,
    /// What is looked for.
    pub(super) wanted: Wanted,
}

/// What is looked for in documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All that there is to say about what someone wrote.
    #[default]
    Everything,
    /// What stands in the way of accepting documents that a program made.
    Errors,
}

/// The document of a policy. It is read when its turn comes: most of an input is rules, and not all of them need be
/// there as written and as meant at once.
#[derive(Debug)]
pub(super) enum Unread<'t> {
    /// As it was parsed.
    Parsed {
        source: usize,
        text: &'t str,
        node: Node,
    },
    /// As a program made it.
    Made {
        source: usize,
        document: &'t ServicePolicyDocument,
    },
}

impl<'t> Unread<'t> {
    /// Reads the document; none if it has not the form of one.
    pub(super) fn read(
        self,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Placed<'t, ServicePolicyDocument>> {
        match self {
            Self::Parsed { source, text, node } => read_document(source, text, &node, diagnostics),
            Self::Made { source, document } => Some(Placed::made(source, document)),
        }
    }
}

/// A document, and where it stands.
#[derive(Debug)]
pub(super) struct Placed<'t, D> {
    pub(super) source: usize,
    pub(super) document: D,
    places: Places<'t, D>,
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

impl<'t, D: Clone> Placed<'t, D> {
    fn made(source: usize, document: &'t D) -> Self {
        Self {
            source,
            document: document.clone(),
            places: Places::of(Origin::Made(document)),
            faults: Vec::new(),
        }
    }
}

impl<D: DeserializeOwned + Serialize> Placed<'_, D> {
    /// Where the document begins in its text.
    pub(super) fn start(&self) -> usize {
        self.places.document_span().start
    }

    /// The span of the value at a location.
    fn locate(&self, location: &Location) -> Span {
        self.places.locate(location)
    }

    /// Whether anyone asks for what has this code.
    fn is_wanted(&self, code: Code) -> bool {
        match self.places.origin {
            Origin::Text { .. } => true,
            Origin::Made(_) => code.severity() == Severity::Error,
        }
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
        if !self.is_wanted(code) {
            return;
        }
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
        let problems = problems.into_vec().into_iter();
        for problem in problems.filter(|problem| self.is_wanted(problem.code)) {
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
        matches!(problem.code, code::EMPTY_MATCHER | code::EMPTY_LIST) && {
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
struct Places<'t, D> {
    origin: Origin<'t, D>,
    /// The document, and where in the text its spans begin.
    tree: OnceCell<(Node, usize)>,
}

/// Where a document comes from.
#[derive(Debug)]
enum Origin<'t, D> {
    /// A text, and what of it the document is.
    Text { text: &'t str, span: Span },
    /// A program. Places are those in its JSON.
    Made(&'t D),
}

impl<'t, D> Places<'t, D> {
    fn of(origin: Origin<'t, D>) -> Self {
        Self {
            origin,
            tree: OnceCell::new(),
        }
    }

    fn document_span(&self) -> Span {
        match self.origin {
            Origin::Text { span, .. } => span,
            Origin::Made(_) => Span::default(),
        }
    }
}

impl<D: DeserializeOwned + Serialize> Places<'_, D> {
    fn locate(&self, location: &Location) -> Span {
        if self.tree.get().is_none()
            && let Some(tree) = self.parse()
        {
            let _ = self.tree.set(tree);
        }
        let Some((node, start)) = self.tree.get() else {
            return self.document_span();
        };
        let span = node.locate(location);
        Span {
            start: start + span.start,
            end: start + span.end,
        }
    }

    fn parse(&self) -> Option<(Node, usize)> {
        let (node, start) = match self.origin {
            Origin::Text { text, span } => parse_again(text, span)?,
            Origin::Made(document) => {
                let json = serde_json::to_string(document).ok()?;
                (yaml::parse(&json).ok()?.into_iter().next()?, 0)
            }
        };
        // Which elements of a list count depends on which of them could be read.
        let _ = yaml::read::<D>(&node);
        Some((node, start))
    }
}

/// Parses a document alone, from the beginning of its first line, since the others are indented as much.
fn parse_again(text: &str, span: Span) -> Option<(Node, usize)> {
    let before = text.get(..span.start)?;
    let indentation = before.len() - before.trim_end_matches(' ').len();
    let is_line = before.len() == indentation
        || before.as_bytes().get(before.len() - indentation - 1) == Some(&b'\n');
    let start = if is_line {
        span.start - indentation
    } else {
        span.start
    };
    let nodes = yaml::parse(text.get(start..span.end)?).ok()?;
    Some((nodes.into_iter().next()?, start))
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
                report_faults(source, faults, &mut documents.diagnostics);
            }
        }
    }
    let is_empty = documents.meshes.is_empty() && documents.policies.is_empty();
    if is_empty && documents.diagnostics.is_empty() {
        documents.diagnostics.push(Diagnostic {
            code: code::NO_DOCUMENTS,
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
    /// Documents that a program made: the mesh is the first source, and each policy one of its own.
    pub(super) fn made(
        mesh: &'t MeshDocument,
        policies: impl Iterator<Item = &'t ServicePolicyDocument>,
    ) -> Self {
        let policies = policies
            .enumerate()
            .map(|(position, document)| Unread::Made {
                source: position + 1,
                document,
            });
        Self {
            meshes: vec![Placed::made(0, mesh)],
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
                match read_document(source, text, &node, &mut self.diagnostics) {
                    Some(mesh) => self.meshes.push(mesh),
                    None => self.has_unread_document = true,
                }
            }
            (Some(_), Some("ServicePolicy")) => {
                self.policies.push(Unread::Parsed { source, text, node });
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
                    code: code::UNKNOWN_KIND,
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
    node: &Node,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Placed<'t, D>> {
    let (document, faults) = yaml::read(node);
    let mut spans: Vec<_> = faults.iter().map(|fault| fault.span).collect();
    spans.sort_unstable();
    report_faults(source, faults, diagnostics);
    let span = node.span();
    Some(Placed {
        source,
        document: document?,
        places: Places::of(Origin::Text { text, span }),
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
