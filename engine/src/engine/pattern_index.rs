//! Finds the patterns that match a text without trying each of them.
//!
//! Exact texts, prefixes and suffixes share one hash table. A look-up tries the whole text, then
//! the text cut to each length of a prefix or suffix. The number of probes depends on the number of
//! different lengths, not of patterns.

use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use crate::matching::TextMatch;

/// A map from patterns to values, in separate scopes that share one table.
#[derive(Debug, Default)]
pub(super) struct PatternIndex {
    /// The concatenated texts of all patterns.
    texts: Vec<u8>,
    entries: HashTable<Entry>,
    scopes: Vec<Scope>,
}

/// Identifies a pattern together with its text: its scope and how it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    scope: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Exact,
    Prefix,
    Suffix,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    start: usize,
    end: usize,
    value: usize,
}

/// What a look-up in a scope must try.
#[derive(Debug, Default)]
struct Scope {
    any: Option<usize>,
    longest_exact: Option<usize>,
    /// Ascending.
    prefix_lengths: Vec<usize>,
    /// Ascending.
    suffix_lengths: Vec<usize>,
}

impl PatternIndex {
    /// Adds a pattern that is new in the scope.
    pub(super) fn insert(&mut self, scope: usize, pattern: &TextMatch, value: usize) {
        if self.scopes.len() <= scope {
            self.scopes.resize_with(scope + 1, Scope::default);
        }
        let Some(lookups) = self.scopes.get_mut(scope) else {
            return; // It was just made.
        };
        let length = pattern.literal().len();
        let kind = match pattern {
            TextMatch::Any => {
                lookups.any = Some(value);
                return;
            }
            TextMatch::Exact(_) => {
                lookups.longest_exact = lookups.longest_exact.max(Some(length));
                Kind::Exact
            }
            TextMatch::Prefix(_) => {
                insert_sorted(&mut lookups.prefix_lengths, length);
                Kind::Prefix
            }
            TextMatch::Suffix(_) => {
                insert_sorted(&mut lookups.suffix_lengths, length);
                Kind::Suffix
            }
        };
        let key = Key { scope, kind };
        let start = self.texts.len();
        self.texts.extend_from_slice(pattern.literal().as_bytes());
        let entry = Entry {
            key,
            start,
            end: self.texts.len(),
            value,
        };
        let texts = &self.texts;
        self.entries
            .insert_unique(hash(key, pattern.literal().as_bytes()), entry, |entry| {
                hash(entry.key, entry.text(texts))
            });
    }

    /// Whether no pattern of the scope depends on the text, so that it need not be fetched.
    #[inline]
    pub(super) fn is_empty(&self, scope: usize) -> bool {
        self.scopes.get(scope).is_none_or(|scope| {
            scope.any.is_none()
                && scope.longest_exact.is_none()
                && scope.prefix_lengths.is_empty()
                && scope.suffix_lengths.is_empty()
        })
    }

    /// Calls `visit` with the value of every pattern in the scope that matches `text`.
    #[inline]
    pub(super) fn visit(&self, scope: usize, text: &[u8], mut visit: impl FnMut(usize)) {
        let Some(lookups) = self.scopes.get(scope) else {
            return;
        };
        let mut probe = |kind, part| {
            if let Some(value) = self.find(Key { scope, kind }, part) {
                visit(value);
            }
        };
        // A longer text need not be read to its end.
        if lookups
            .longest_exact
            .is_some_and(|longest| text.len() <= longest)
        {
            probe(Kind::Exact, text);
        }
        let prefixes = lookups.prefix_lengths.iter();
        for prefix in prefixes.map_while(|&length| text.get(..length)) {
            probe(Kind::Prefix, prefix);
        }
        let suffixes = lookups.suffix_lengths.iter();
        for start in suffixes.map_while(|&length| text.len().checked_sub(length)) {
            probe(Kind::Suffix, text.get(start..).unwrap_or_default());
        }
        if let (Some(value), false) = (lookups.any, text.is_empty()) {
            visit(value);
        }
    }

    #[inline]
    fn find(&self, key: Key, text: &[u8]) -> Option<usize> {
        self.entries
            .find(hash(key, text), |entry| {
                entry.key == key && entry.text(&self.texts) == text
            })
            .map(|entry| entry.value)
    }
}

impl Entry {
    #[inline]
    fn text<'t>(&self, texts: &'t [u8]) -> &'t [u8] {
        texts.get(self.start..self.end).unwrap_or_default()
    }
}

fn insert_sorted(lengths: &mut Vec<usize>, length: usize) {
    if let Err(position) = lengths.binary_search(&length) {
        lengths.insert(position, length);
    }
}

/// Not keyed against collisions: the table contains only texts of the policy, so a request can meet
/// a collision but not create one.
#[inline]
fn hash(key: Key, text: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text);
    hasher.write_usize(key.scope << 2 | key.kind as usize);
    hasher.finish()
}

#[cfg(test)]
mod tests;
