//! What the command line shows for a problem: the problem and the text it is about.

use crate::code::{Code, Severity};
use crate::yaml::{Fault, Span};

/// A text to be validated, and what to call it.
#[derive(Clone, Debug)]
pub struct SourceText {
    /// The file's name as the user gave it, or `<stdin>`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// A problem with its place in a source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable name of this kind of problem.
    pub code: Code,
    /// The position of the text among those that were validated.
    pub source: usize,
    /// The part of the text to underline.
    pub span: Span,
    /// What is wrong, in one clause.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// The other place that it is about, such as where a name is used first.
    pub related: Option<Place>,
}

/// A part of a source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The position of the text among those that were validated.
    pub source: usize,
    /// The part of the text to underline.
    pub span: Span,
}

impl Diagnostic {
    /// Of what cannot be accepted in the text at this position.
    pub(crate) fn of_fault(source: usize, fault: Fault) -> Self {
        let Fault {
            code,
            span,
            message,
            help,
        } = fault;
        Self {
            code,
            source,
            span,
            message,
            help,
            related: None,
        }
    }

    /// Whether the documents are refused because of it.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}
