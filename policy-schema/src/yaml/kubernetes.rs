//! The YAML that others wrote for Kubernetes, read as `kubectl` reads it.
//!
//! Anchors, merge keys and the core tags are resolved, plain scalars have the words and numbers of YAML 1.1,
//! keys of any scalar type are text, and a field that is `null` is absent. What different tools read in
//! different ways is a fault.

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
    /// Where it stands.
    pub span: Span,
    /// The first thing that stands in the way.
    pub fault: Fault,
}

/// Parses a text of manifests document by document, so that a broken one does not hide the others, and each can
/// be dropped before the next is read. Those without content are left out.
///
/// Takes time in proportion to the length of `text`: aliases stand for a bounded number of values.
///
/// # Errors
///
/// A document that cannot be read.
pub fn manifests(text: &str) -> impl Iterator<Item = Result<Manifest, Unreadable>> {
    let allowance = Allowance::of(text);
    let read = move |piece: Piece| match document(text, piece, &allowance) {
        Ok(Tree {
            documents,
            mut comments,
        }) => {
            // Only `...` separates several documents in one piece, which is rare: the first one
            // has the comments.
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

/// The tree of a piece, or else the first thing that stands in the way.
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

/// A part of a text that holds a document.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: usize,
    end: usize,
    lines_before: usize,
}

/// Cuts a text before each line that starts a document, unless nothing but comments and directives stand
/// before it, and between objects of JSON that follow each other.
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

/// Characters that end a line for `kubectl`, as in YAML 1.1, and not for other readers.
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

/// A template of Helm is no YAML before it is rendered.
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
