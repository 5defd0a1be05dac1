//! Resolves anchors, aliases and merge keys like `kubectl`.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use super::form::Form;
use super::node::{Content, Entry, Node};
use super::wording::quoted;
use super::{Fault, Span};
use crate::code;

/// The merge key.
const MERGE: &str = "<<";

/// The minimum for short texts.
const MIN_ALLOWANCE: usize = 1024;

/// The number of values that the aliases of a text may add, so that a short text cannot expand to a
/// huge one. It is one for each byte, a few times what the text can contain itself.
#[derive(Debug)]
pub(super) struct Allowance {
    left: Cell<usize>,
}

impl Allowance {
    pub(super) fn for_text(text: &str) -> Self {
        Self {
            left: Cell::new(text.len().max(MIN_ALLOWANCE)),
        }
    }

    fn take(&self, count: usize) -> Option<()> {
        let left = self.left.get().checked_sub(count)?;
        self.left.set(left);
        Some(())
    }
}

/// The anchored values of a document.
#[derive(Debug)]
pub(super) struct Anchors<'a> {
    /// None for a value that is too large to be repeated.
    values: HashMap<usize, Option<Anchored>>,
    allowance: &'a Allowance,
}

#[derive(Debug)]
struct Anchored {
    node: Node,
    /// The number of values, including nested ones.
    size: usize,
}

/// Why an alias cannot be resolved.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unresolved {
    /// No anchor has its name, or the anchor's value is not complete yet.
    NoValue,
    /// The aliases of the text add too many values.
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
        // The stored value is also a copy.
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

/// Replaces merge keys by the merged entries. The mapping's own entries win, and of several
/// mappings the first.
///
/// # Errors
///
/// If a merge key has no mappings, or follows an entry that it would also set: `kubectl` then uses
/// the merged value, and `kustomize` the mapping's own.
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

/// The entries of the mappings of a merge key.
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
