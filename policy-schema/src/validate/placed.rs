//! A document with its place, and what is reported there.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::guidance::GUIDANCE;
use super::places::Places;
use super::remedy;
use crate::code::{self, Code, Severity};
use crate::diagnostic::{Diagnostic, Place};
use crate::problem::{Cursor, Location, Problem, Problems};
use crate::yaml::{self, Node, Span};

/// A document, and where it stands.
#[derive(Debug)]
pub(super) struct Placed<'t, D> {
    pub(super) source: usize,
    pub(super) document: D,
    places: Places<'t, D>,
    faults: Vec<Span>,
}

impl<'t, D: DeserializeOwned + Clone> Placed<'t, D> {
    /// The document as a program made it.
    pub(super) fn made(source: usize, document: &'t D) -> Self {
        Self {
            source,
            document: document.clone(),
            places: Places::in_json(document),
            faults: Vec::new(),
        }
    }
}

impl<'t, D: DeserializeOwned> Placed<'t, D> {
    /// Reads the document that was parsed as `node`, from a part of `text`; none if it has not the form of one.
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
                .map(|fault| Diagnostic::of_fault(source, fault)),
        );
        Some(Self {
            source,
            document: document?,
            places: Places::in_text(text, node.span()),
            faults: spans,
        })
    }
}

impl<'t, D: DeserializeOwned + Serialize> Placed<'t, D> {
    /// Where the document begins in its text.
    pub(super) fn start(&self) -> usize {
        self.places.document_span().start
    }

    /// The span of the value at a location.
    pub(super) fn locate(&self, location: &Location) -> Span {
        self.places.locate(location)
    }

    /// Whether anyone asks for what has this code.
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

    /// Drops the places of values. Asking for one parses the document again.
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

    /// This document, where what is reported of it is about `other` as well.
    pub(super) fn beside<'d>(&'d self, other: &'d Self) -> Beside<'d, 't, D> {
        Beside {
            document: self,
            other,
        }
    }

    /// Gives each problem its place in the text.
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

    /// The value as it should be written, if the problem is about a text of which that is known.
    fn remedy(&self, problem: &Problem) -> Option<String> {
        if !self.places.is_in_text() {
            return None;
        }
        let text = self.places.node(&problem.location)?.as_str()?;
        remedy::of(problem, text)
    }

    /// Whether something seems to be missing only because what is there was refused already.
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

    /// Whether a field that the problem names in back-ticks is written and was refused: in the value that lacks it,
    /// or beside that value.
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

/// A document with another of its kind that it does not go with.
#[derive(Debug)]
pub(super) struct Beside<'d, 't, D> {
    document: &'d Placed<'t, D>,
    other: &'d Placed<'t, D>,
}

impl<D: DeserializeOwned + Serialize> Beside<'_, '_, D> {
    /// Adds a diagnostic at `cursor` of the document, which points at the same place of the other as well.
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
