//! A problem in a document, with its place in the text.

use crate::code::{Code, Severity};
use crate::yaml::{Fault, Span};

/// A text to be validated, with its name.
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
    /// The problem, in one clause.
    pub message: String,
    /// The fix.
    pub help: String,
    /// Another place that is involved, such as the first use of a name.
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
    /// A diagnostic for a fault in the text at this position.
    pub(crate) fn from_fault(source: usize, fault: Fault) -> Self {
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

    /// Whether documents with the problem are refused.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}
