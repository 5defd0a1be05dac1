//! Anchors, aliases and merge keys, resolved as `kubectl` resolves them.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use super::form::Form;
use super::node::{Content, Entry, Node};
use super::wording::quoted;
use super::{Fault, Span};
use crate::code;

/// The key that takes the entries of other mappings.
const MERGE: &str = "<<";

/// Aliases may repeat a few values even in a short text.
const LEAST_BOUND: usize = 1024;

/// How many values the aliases of a text may add, so that a short text cannot stand for a huge one: one for
/// each byte, which is a few times what the text can hold by itself.
#[derive(Debug)]
pub(super) struct Allowance {
    left: Cell<usize>,
}

impl Allowance {
    pub(super) fn of(text: &str) -> Self {
        Self {
            left: Cell::new(text.len().max(LEAST_BOUND)),
        }
    }

    fn take(&self, count: usize) -> Option<()> {
        let left = self.left.get().checked_sub(count)?;
        self.left.set(left);
        Some(())
    }
}

/// The values that the aliases of a document can stand for.
#[derive(Debug)]
pub(super) struct Anchors<'a> {
    /// None for a value that is too large to be repeated.
    values: HashMap<usize, Option<Anchored>>,
    allowance: &'a Allowance,
}

#[derive(Debug)]
struct Anchored {
    node: Node,
    /// How many values it is, with those in it.
    size: usize,
}

/// Why an alias stands for nothing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unresolved {
    /// No anchor has its name, or the anchor's value is not complete yet.
    NoValue,
    /// The aliases of the text stand for too many values.
    TooMany,
}

impl<'a> Anchors<'a> {
    pub(super) fn new(allowance: &'a Allowance) -> Self {
        Self {
            values: HashMap::new(),
            allowance,
        }
    }

    pub(super) fn define(&mut self, id: usize, node: &Node) {
        let size = size(node);
        // What is kept is a copy too.
        let anchored = self.allowance.take(size).map(|()| Anchored {
            node: node.clone(),
            size,
        });
        self.values.insert(id, anchored);
    }

    pub(super) fn resolve(&self, id: usize) -> Result<Content, Unresolved> {
        let anchored = self.values.get(&id).ok_or(Unresolved::NoValue)?;
        let anchored = anchored.as_ref().ok_or(Unresolved::TooMany)?;
        let is_allowed = self.allowance.take(anchored.size);
        is_allowed.ok_or(Unresolved::TooMany)?;
        Ok(anchored.node.content.clone())
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.content {
        Content::Scalar { .. } => 0,
        Content::Sequence(elements) => elements.iter().map(size).sum(),
        Content::Mapping(entries) => entries.iter().map(|entry| 1 + size(&entry.value)).sum(),
    }
}

pub(super) fn is_merge_key(key: &Node) -> bool {
    matches!(&key.content, Content::Scalar { text, form } if text == MERGE && *form != Form::Text)
}

/// Replaces merge keys by the entries that they stand for. The mapping's own entries win, and of several
/// mappings the first.
///
/// # Errors
///
/// A merge key without mappings; and one behind an entry that it would set too, since `kubectl` takes the
/// merged value then and `kustomize` the own one.
pub(super) fn merged(entries: Vec<Entry>) -> Result<Vec<Entry>, Fault> {
    let Some(at) = entries.iter().position(|entry| is_merge_key(&entry.key)) else {
        return Ok(entries);
    };
    let before: HashSet<String> = keys(entries.get(..at)).map(str::to_owned).collect();
    let own: HashSet<String> = keys(Some(&entries)).map(str::to_owned).collect();
    let mut taken = HashSet::new();
    let mut result = Vec::with_capacity(entries.len());
    for entry in entries {
        if !is_merge_key(&entry.key) {
            result.push(entry);
            continue;
        }
        for merged in merged_entries(&entry.key, entry.value)? {
            let key = merged.key.raw_text().unwrap_or_default();
            if before.contains(key) {
                return Err(ambiguous(entry.key.span, key));
            }
            if !own.contains(key) && taken.insert(key.to_owned()) {
                result.push(merged);
            }
        }
    }
    Ok(result)
}

fn keys(entries: Option<&[Entry]>) -> impl Iterator<Item = &str> {
    let entries = entries.unwrap_or_default().iter();
    entries.filter_map(|entry| entry.key.raw_text())
}

/// The entries of the mappings that a merge key names.
fn merged_entries(key: &Node, value: Node) -> Result<Vec<Entry>, Fault> {
    let mappings = match value.content {
        Content::Sequence(elements) => elements,
        Content::Scalar { .. } | Content::Mapping(_) => vec![value],
    };
    let entries = mappings.into_iter().map(|mapping| match mapping.content {
        Content::Mapping(entries) => Some(entries),
        Content::Scalar { .. } | Content::Sequence(_) => None,
    });
    let entries: Option<Vec<_>> = entries.collect();
    entries
        .map(|lists| lists.into_iter().flatten().collect())
        .ok_or_else(|| Fault {
            code: code::YAML_FEATURE,
            span: key.span,
            message: "a merge key requires a mapping, or a list of mappings".to_owned(),
            help: "write an alias of a mapping, such as `<<: *name`".to_owned(),
        })
}

fn ambiguous(span: Span, key: &str) -> Fault {
    Fault {
        code: code::YAML_FEATURE,
        span,
        message: format!(
            "this merge key sets {} again: kubectl uses the merged value, kustomize the one above",
            quoted(key)
        ),
        help: "put the merge key before the other fields".to_owned(),
    }
}
