//! Parses Kubernetes manifests like `kubectl`.
//!
//! Anchors, merge keys and the core tags are resolved, plain scalars have the words and numbers of
//! YAML 1.1, keys of any scalar type are text, and a field that is `null` is absent. Syntax that
//! tools interpret differently is a fault.

use granit_parser::{Parser, options};

use super::anchors::Allowance;
use super::builder::{Builder, Tree};
use super::comment::Comment;
use super::dialect::Dialect;
use super::{Fault, Node, Span};
use crate::code;

/// A document of a text of manifests.
#[derive(Debug)]
pub struct Manifest {
    /// The document.
    pub document: Node,
    /// The comments in it and around it.
    pub comments: Vec<Comment>,
}

/// A document that cannot be read.
#[derive(Debug)]
pub struct Unreadable {
    /// Its place.
    pub span: Span,
    /// The first fault.
    pub fault: Fault,
}

/// Parses a text of manifests document by document, so that a broken one does not hide the others,
/// and each can be dropped before the next is read. Empty documents are skipped.
///
/// Takes time proportional to the length of `text`: aliases expand to a bounded number of values.
///
/// # Errors
///
/// A document that cannot be read.
pub fn manifests(text: &str) -> impl Iterator<Item = Result<Manifest, Unreadable>> {
    let allowance = Allowance::for_text(text);
    let read = move |piece: Piece| match document(text, piece, &allowance) {
        Ok(Tree {
            documents,
            mut comments,
        }) => {
            // Only `...` puts several documents in one piece, which is rare. The first one gets the
            // comments.
            let documents = documents.into_iter().map(|document| {
                Ok(Manifest {
                    document,
                    comments: std::mem::take(&mut comments),
                })
            });
            documents.collect::<Vec<_>>()
        }
        Err(first) => {
            let span = Span {
                start: piece.start,
                end: piece.end,
            };
            let first = first.into_iter();
            first.map(|fault| Err(Unreadable { span, fault })).collect()
        }
    };
    pieces(text).into_iter().flat_map(read)
}

/// The tree of a piece, or the first fault.
fn document(text: &str, piece: Piece, allowance: &Allowance) -> Result<Tree, Option<Fault>> {
    let written = text.get(piece.start..piece.end).unwrap_or_default();
    if let Some(fault) = ambiguous_line_end(written, piece.start) {
        return Err(Some(fault));
    }
    let options = options! { emit_unresolved_aliases: true };
    let builder =
        Builder::new(text, Dialect::Kubernetes, allowance).behind(piece.start, piece.lines_before);
    let tree = builder.build(Parser::new_from_str_with_options(written, options));
    tree.map_err(|faults| {
        let first = faults.into_iter().min_by_key(|fault| fault.span);
        first.map(|fault| as_template(fault, written))
    })
}

/// A part of a text with a document.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: usize,
    end: usize,
    lines_before: usize,
}

/// Splits a text before each line that starts a document, unless only comments and directives
/// precede it, and between consecutive JSON objects.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut current = Piece {
        start: 0,
        end: 0,
        lines_before: 0,
    };
    let mut has_content = false;
    let mut last = "";
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let is_marker = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        let is_json = line.starts_with('{') && last.starts_with('}');
        if (is_marker && has_content) || is_json {
            pieces.push(current);
            current = Piece {
                start: current.end,
                end: current.end,
                lines_before: number,
            };
        }
        let line_text = line.trim();
        has_content |=
            is_marker || !(line_text.is_empty() || line_text.starts_with(['#', '%', '\u{feff}']));
        current.end += line.len();
        if !line_text.is_empty() {
            last = line;
        }
    }
    pieces.push(current);
    pieces
}

/// Finds a character that ends a line in YAML 1.1 and for `kubectl`, but not for other readers.
fn ambiguous_line_end(text: &str, offset: usize) -> Option<Fault> {
    let bytes = text.as_bytes();
    let (at, found) = text.char_indices().find(|(at, char)| match char {
        '\r' => bytes.get(at + 1) != Some(&b'\n'),
        '\u{85}' | '\u{2028}' | '\u{2029}' => true,
        _ => false,
    })?;
    let start = offset + at;
    Some(Fault {
        code: code::YAML_SYNTAX,
        span: Span {
            start,
            end: start + found.len_utf8(),
        },
        message: format!(
            "the character U+{:04X} is a line break to some YAML parsers and not to others",
            u32::from(found)
        ),
        help: "end each line with a line feed, or escape the character in double quotes".to_owned(),
    })
}

/// Adds to a fault that a Helm template is not YAML before it is rendered.
fn as_template(fault: Fault, text: &str) -> Fault {
    if !text.contains("{{") {
        return fault;
    }
    Fault {
        help: "this looks like a Helm template: render it first, such as with `helm template`"
            .to_owned(),
        ..fault
    }
}
