//! Documents with their places, and the diagnostics about them.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::guidance::GUIDANCE;
use super::places::Places;
use super::remedy;
use crate::code::{self, Code, Severity};
use crate::diagnostic::{Diagnostic, Place};
use crate::problem::{Cursor, Location, Problem, Problems};
use crate::yaml::{self, Node, Span};

/// A document with its place.
#[derive(Debug)]
pub(super) struct Placed<'t, D> {
    pub(super) source: usize,
    pub(super) document: D,
    places: Places<'t, D>,
    faults: Vec<Span>,
}

impl<'t, D: DeserializeOwned + Clone> Placed<'t, D> {
    /// A generated document.
    pub(super) fn generated(source: usize, document: &'t D) -> Self {
        Self {
            source,
            document: document.clone(),
            places: Places::for_generated(document),
            faults: Vec::new(),
        }
    }
}

impl<'t, D: DeserializeOwned> Placed<'t, D> {
    /// Reads a document from its parsed `node`, in a part of `text`. None if its structure is
    /// invalid.
    pub(super) fn read(
        source: usize,
        text: &'t str,
        node: &Node,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let (document, faults) = yaml::read_guided(node, GUIDANCE);
        let mut spans: Vec<_> = faults.iter().map(|fault| fault.span).collect();
        spans.sort_unstable();
        diagnostics.extend(
            faults
                .into_iter()
                .map(|fault| Diagnostic::from_fault(source, fault)),
        );
        Some(Self {
            source,
            document: document?,
            places: Places::for_text(text, node.span()),
            faults: spans,
        })
    }
}

impl<'t, D: DeserializeOwned + Serialize> Placed<'t, D> {
    /// The start of the document in its text.
    pub(super) fn start(&self) -> usize {
        self.places.document_span().start
    }

    /// The span of the value at a location.
    pub(super) fn locate(&self, location: &Location) -> Span {
        self.places.locate(location)
    }

    /// Whether diagnostics with this code are wanted.
    fn is_wanted(&self, code: Code) -> bool {
        self.places.is_in_text() || code.severity() == Severity::Error
    }

    /// The place of the value at a cursor.
    pub(super) fn place_of(&self, cursor: &Cursor<'_>) -> Place {
        Place {
            source: self.source,
            span: self.locate(&cursor.location()),
        }
    }

    /// Frees the parsed tree. The next access parses the document again.
    pub(super) fn forget_places(&mut self) {
        self.places.forget();
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

    /// This document, for diagnostics that also point at `other`.
    pub(super) fn with_conflict<'d>(&'d self, other: &'d Self) -> Conflict<'d, 't, D> {
        Conflict {
            document: self,
            other,
        }
    }

    /// Places each problem in the text.
    pub(super) fn place(&self, problems: Problems, diagnostics: &mut Vec<Diagnostic>) {
        let problems = problems.into_vec().into_iter();
        for problem in problems.filter(|problem| self.is_wanted(problem.code)) {
            let span = self.locate(&problem.location);
            if !self.follows_from_fault(&problem, span) {
                let help = self.remedy(&problem);
                diagnostics.push(Diagnostic {
                    code: problem.code,
                    source: self.source,
                    span,
                    message: problem.message,
                    help: help.unwrap_or(problem.help),
                    related: None,
                });
            }
        }
    }

    /// A remedy with the exact text to write, if one is known.
    fn remedy(&self, problem: &Problem) -> Option<String> {
        if !self.places.is_in_text() {
            return None;
        }
        let text = self.places.node(&problem.location)?.as_str()?;
        remedy::of(problem, text)
    }

    /// Whether something seems to be missing only because it was refused already.
    fn follows_from_fault(&self, problem: &Problem, span: Span) -> bool {
        match problem.code {
            code::EMPTY_MATCHER | code::EMPTY_LIST => self.has_fault_within(span),
            code::MISSING_FIELD => self.has_refused_field(problem),
            _ => false,
        }
    }

    fn has_fault_within(&self, span: Span) -> bool {
        let first = self
            .faults
            .partition_point(|fault| fault.start < span.start);
        let mut rest = self.faults.iter().skip(first);
        rest.find_map(|fault| {
            let is_within = fault.end <= span.end;
            (is_within || fault.start > span.end).then_some(is_within)
        }) == Some(true)
    }

    /// Whether a field that the problem names in back-ticks is present but was refused: in the value that lacks it,
    /// or in the value around that.
    fn has_refused_field(&self, problem: &Problem) -> bool {
        if self.faults.is_empty() {
            return false;
        }
        let steps = problem.location.steps();
        let outer = steps
            .split_last()
            .map(|(_, outer)| outer.iter().cloned().collect());
        let mappings = std::iter::once(problem.location.clone()).chain(outer);
        let names: Vec<_> = [&problem.message, &problem.help]
            .into_iter()
            .flat_map(|text| text.split('`').skip(1).step_by(2))
            .filter_map(|name| name.split(':').next())
            .collect();
        let nodes = mappings.filter_map(|location| self.places.node(&location));
        nodes
            .into_iter()
            .any(|node| names.iter().any(|name| node.has_refused(name)))
    }
}

/// A document and another one of its kind that conflicts with it.
#[derive(Debug)]
pub(super) struct Conflict<'d, 't, D> {
    document: &'d Placed<'t, D>,
    other: &'d Placed<'t, D>,
}

impl<D: DeserializeOwned + Serialize> Conflict<'_, '_, D> {
    /// Adds a diagnostic at `cursor` of the document that also points at the same field of the
    /// other.
    pub(super) fn report(
        &self,
        diagnostics: &mut Vec<Diagnostic>,
        code: Code,
        cursor: &Cursor<'_>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if !self.document.is_wanted(code) {
            return;
        }
        let Place { source, span } = self.document.place_of(cursor);
        diagnostics.push(Diagnostic {
            code,
            source,
            span,
            message: message.into(),
            help: help.into(),
            related: Some(self.other.place_of(cursor)),
        });
    }
}
