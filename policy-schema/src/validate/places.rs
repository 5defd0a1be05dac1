//! Where the values of a document stand.

use std::cell::OnceCell;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::Location;
use crate::yaml::{self, Node, Span};

/// The places of a document's values. Trees are many times as long as their texts, so one is made where a place is
/// asked for.
#[derive(Debug)]
pub(super) struct Places<'t, D> {
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
    /// Of a document that is this part of a text.
    pub(super) fn in_text(text: &'t str, span: Span) -> Self {
        Self::of(Origin::Text { text, span })
    }

    /// Of a document that a program made. They are those in its JSON.
    pub(super) fn in_json(document: &'t D) -> Self {
        Self::of(Origin::Made(document))
    }

    fn of(origin: Origin<'t, D>) -> Self {
        Self {
            origin,
            tree: OnceCell::new(),
        }
    }

    /// Whether someone wrote the document, and a program did not make it.
    pub(super) fn is_in_text(&self) -> bool {
        matches!(self.origin, Origin::Text { .. })
    }

    /// Drops what was parsed. Asking for a place parses the document again.
    pub(super) fn forget(&mut self) {
        self.tree = OnceCell::new();
    }

    /// The span of the whole document.
    pub(super) fn document_span(&self) -> Span {
        match self.origin {
            Origin::Text { span, .. } => span,
            Origin::Made(_) => Span::default(),
        }
    }
}

impl<D: DeserializeOwned + Serialize> Places<'_, D> {
    /// The value at a location, if it is written.
    pub(super) fn node(&self, location: &Location) -> Option<&Node> {
        self.tree()?.0.at(location)
    }

    fn tree(&self) -> Option<&(Node, usize)> {
        if self.tree.get().is_none()
            && let Some(tree) = self.parse()
        {
            let _ = self.tree.set(tree);
        }
        self.tree.get()
    }

    /// The span of the value at a location.
    pub(super) fn locate(&self, location: &Location) -> Span {
        let Some((node, start)) = self.tree() else {
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
