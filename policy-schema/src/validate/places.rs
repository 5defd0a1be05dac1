//! Locates the values of a document.

use std::cell::OnceCell;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::Location;
use crate::yaml::{self, Node, Span};

/// The places of a document's values. Trees take much more memory than texts, so they are built on
/// demand.
#[derive(Debug)]
pub(super) struct Places<'t, D> {
    origin: Origin<'t, D>,
    /// The document, and the offset of its spans in the text.
    tree: OnceCell<(Node, usize)>,
}

/// The origin of a document.
#[derive(Debug)]
enum Origin<'t, D> {
    /// A part of a text.
    Text { text: &'t str, span: Span },
    /// Generated. Places refer to its JSON.
    Generated(&'t D),
}

impl<'t, D> Places<'t, D> {
    /// The places of a document that is this part of a text.
    pub(super) fn for_text(text: &'t str, span: Span) -> Self {
        Self::new(Origin::Text { text, span })
    }

    /// The places of a generated document, in its JSON.
    pub(super) fn for_generated(document: &'t D) -> Self {
        Self::new(Origin::Generated(document))
    }

    fn new(origin: Origin<'t, D>) -> Self {
        Self {
            origin,
            tree: OnceCell::new(),
        }
    }

    /// Whether a user wrote the document.
    pub(super) fn is_in_text(&self) -> bool {
        matches!(self.origin, Origin::Text { .. })
    }

    /// Frees the parsed tree. The next access parses the document again.
    pub(super) fn forget(&mut self) {
        self.tree = OnceCell::new();
    }

    /// The span of the whole document.
    pub(super) fn document_span(&self) -> Span {
        match self.origin {
            Origin::Text { span, .. } => span,
            Origin::Generated(_) => Span::default(),
        }
    }
}

impl<D: DeserializeOwned + Serialize> Places<'_, D> {
    /// The value at a location, if there is one.
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
            Origin::Generated(document) => {
                let json = serde_json::to_string(document).ok()?;
                (yaml::parse(&json).ok()?.into_iter().next()?, 0)
            }
        };
        // Reading marks the elements of lists that could be read, which affects their indexes.
        let _ = yaml::read::<D>(&node);
        Some((node, start))
    }
}

/// Parses a single document, from the start of its first line, because the other lines have the
/// same indentation.
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
