//! The tree of a YAML document.

use std::cell::Cell;

use super::Span;
use super::form::Form;
use super::scalar::Scalar;
use crate::problem::{Location, Step};

/// A value of a YAML document: a mapping, a list or a scalar.
///
/// Only `parse` builds trees, and it limits their depth.
#[derive(Clone, Debug)]
pub struct Node {
    pub(super) span: Span,
    /// The end of the part of `span` on its first line.
    pub(super) head_end: usize,
    pub(super) content: Content,
    /// Whether [`read`](super::read) omitted the value, so that it has no place in the result.
    pub(super) dropped: Cell<bool>,
    /// For a list, whether its elements know how many accepted ones precede them.
    pub(super) is_counted: Cell<bool>,
    /// For an element of such a list, that number.
    pub(super) accepted_before: Cell<u32>,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Scalar { text: String, form: Form },
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Node,
    pub(super) value: Node,
}

impl Entry {
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.key.raw_text() == Some(name)
    }

    /// Whether the field counts as absent: the API server drops fields that are `null`.
    pub(super) fn is_absent(&self) -> bool {
        let content = &self.value.content;
        let is_pruned = matches!(
            content,
            Content::Scalar {
                form: Form::Kubernetes,
                ..
            }
        );
        is_pruned && self.value.is_null()
    }
}

impl Node {
    /// The place of the value, in bytes of the parsed text.
    ///
    /// A scalar's span includes its quotes. An empty value has the span of the key or dash before
    /// it.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The value of field `key`. None if this is not a mapping or has no such field. In a
    /// Kubernetes object, a field that is `null` is absent.
    pub fn field(&self, key: &str) -> Option<&Node> {
        let Content::Mapping(entries) = &self.content else {
            return None;
        };
        let entry = entries.iter().find(|entry| entry.is_named(key))?;
        Some(&entry.value).filter(|_| !entry.is_absent())
    }

    /// The keys with their places, in the order of the text. Empty if this is not a mapping.
    pub fn keys(&self) -> impl Iterator<Item = (&str, Span)> {
        let entries: &[Entry] = match &self.content {
            Content::Mapping(entries) => entries,
            Content::Scalar { .. } | Content::Sequence(_) => &[],
        };
        entries
            .iter()
            .filter_map(|entry| Some((entry.key.raw_text()?, entry.key.span)))
    }

    /// The elements, if this is a list.
    pub fn elements(&self) -> &[Node] {
        match &self.content {
            Content::Sequence(elements) => elements,
            Content::Scalar { .. } | Content::Mapping(_) => &[],
        }
    }

    /// Whether this is a list.
    pub fn is_list(&self) -> bool {
        matches!(self.content, Content::Sequence(_))
    }

    /// Whether this is a mapping.
    pub fn is_mapping(&self) -> bool {
        matches!(self.content, Content::Mapping(_))
    }

    /// Whether this is `null`, or empty.
    pub fn is_null(&self) -> bool {
        matches!(self.scalar(), Some(Scalar::Null))
    }

    /// Whether this is a list without elements.
    pub fn is_empty_list(&self) -> bool {
        matches!(&self.content, Content::Sequence(elements) if elements.is_empty())
    }

    /// The value if it is text. `"80"` is text, and plain `80` is not.
    pub fn as_str(&self) -> Option<&str> {
        match self.scalar()? {
            Scalar::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The span of the value at `location` in the result of [`read`](super::read).
    ///
    /// Positions in a list count only accepted elements. If there is no value at `location`, for
    /// example because a field is absent, returns the span of the deepest part that exists: of its
    /// key, or of its first line if it is an element or the document.
    pub fn locate(&self, location: &Location) -> Span {
        let mut node = self;
        let mut title = self.head();
        for step in location.steps() {
            let Some((next, next_title)) = node.step(step) else {
                return title;
            };
            node = next;
            title = next_title;
        }
        node.span
    }

    /// The value at `location`, if there is one.
    pub(crate) fn at(&self, location: &Location) -> Option<&Node> {
        let mut steps = location.steps().iter();
        steps.try_fold(self, |node, step| Some(node.step(step)?.0))
    }

    /// Whether the field `key` is present but was refused when this value was read.
    pub(crate) fn has_refused(&self, key: &str) -> bool {
        let field = self.field(key);
        field.is_some_and(|value| value.dropped.get())
    }

    /// The value one step below this one, and the span to report for anything missing in it.
    fn step(&self, step: &Step) -> Option<(&Node, Span)> {
        match (step, &self.content) {
            (Step::Key(key), Content::Mapping(entries)) => {
                let entry = entries.iter().find(|entry| entry.is_named(key))?;
                Some((&entry.value, entry.key.span))
            }
            (Step::Index(index), Content::Sequence(elements)) => {
                let element = self.accepted(*index, elements)?;
                Some((element, element.head()))
            }
            _ => None,
        }
    }

    /// The accepted element with this index. A list may have a problem in each of its elements, so
    /// they are counted only once.
    fn accepted<'n>(&self, index: usize, elements: &'n [Node]) -> Option<&'n Node> {
        if !self.is_counted.replace(true) {
            let mut accepted = 0_u32;
            for element in elements {
                element.accepted_before.set(accepted);
                accepted = accepted.saturating_add(u32::from(!element.dropped.get()));
            }
        }
        let index = u32::try_from(index).ok()?;
        // Dropped elements precede the accepted one with the same number.
        let after = elements.partition_point(|element| element.accepted_before.get() <= index);
        let element = elements.get(after.checked_sub(1)?)?;
        let is_it = element.accepted_before.get() == index && !element.dropped.get();
        is_it.then_some(element)
    }

    /// The span, clipped to its first line if the value is a mapping or a list.
    pub(crate) fn head(&self) -> Span {
        match self.content {
            Content::Scalar { .. } => self.span,
            Content::Sequence(_) | Content::Mapping(_) => Span {
                start: self.span.start,
                end: self.head_end,
            },
        }
    }

    /// The value of a scalar.
    pub(super) fn scalar(&self) -> Option<Scalar<'_>> {
        match &self.content {
            Content::Scalar { text, form } => Some(Scalar::resolve(text, *form)),
            Content::Sequence(_) | Content::Mapping(_) => None,
        }
    }

    /// The source text of a scalar, of any type.
    pub(super) fn raw_text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } => Some(text),
            Content::Sequence(_) | Content::Mapping(_) => None,
        }
    }

    /// Resets the effects of an earlier read.
    pub(super) fn restore(&self) {
        self.dropped.set(false);
        self.is_counted.set(false);
        match &self.content {
            Content::Scalar { .. } => {}
            Content::Sequence(elements) => elements.iter().for_each(Node::restore),
            Content::Mapping(entries) => entries.iter().for_each(|entry| entry.value.restore()),
        }
    }
}
