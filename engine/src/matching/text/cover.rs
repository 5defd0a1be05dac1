//! Finds a text pattern that covers another one.

use std::collections::{BTreeSet, HashMap};

use super::TextMatch;

/// Patterns indexed by their literals. A search looks up the text, and its prefixes and suffixes of
/// those lengths that occur. The cost does not depend on the number of patterns.
#[derive(Debug, Default)]
pub struct TextCover<'p> {
    any: Option<usize>,
    exact: HashMap<&'p [u8], usize>,
    prefixes: Literals<'p>,
    suffixes: Literals<'p>,
}

#[derive(Debug, Default)]
struct Literals<'p> {
    positions: HashMap<&'p [u8], usize>,
    lengths: BTreeSet<usize>,
}

impl<'p> TextCover<'p> {
    /// Indexes patterns, each with its position.
    pub fn new(patterns: impl IntoIterator<Item = (usize, &'p TextMatch)>) -> Self {
        let mut cover = Self::default();
        for (position, pattern) in patterns {
            cover.add(position, pattern);
        }
        cover
    }

    /// Adds a pattern with its position. For equal patterns, the first position is kept.
    pub fn add(&mut self, position: usize, pattern: &'p TextMatch) {
        let literal = pattern.literal().as_bytes();
        match pattern {
            _ if pattern.is_any() => {
                self.any.get_or_insert(position);
            }
            TextMatch::Any => {}
            TextMatch::Exact(_) => {
                self.exact.entry(literal).or_insert(position);
            }
            TextMatch::Prefix(_) => self.prefixes.add(position, literal),
            TextMatch::Suffix(_) => self.suffixes.add(position, literal),
        }
    }

    /// The position of the first pattern that matches every text that `other` matches.
    pub fn first(&self, other: &TextMatch) -> Option<usize> {
        let text = other.literal().as_bytes();
        let found = match other {
            TextMatch::Any => [None; 3],
            TextMatch::Exact(_) => [
                self.exact.get(text).copied(),
                self.prefixes.first_at_start(text),
                self.suffixes.first_at_end(text),
            ],
            TextMatch::Prefix(_) => [None, self.prefixes.first_at_start(text), None],
            TextMatch::Suffix(_) => [None, None, self.suffixes.first_at_end(text)],
        };
        found.into_iter().flatten().chain(self.any).min()
    }
}

impl<'p> Literals<'p> {
    fn add(&mut self, position: usize, literal: &'p [u8]) {
        self.positions.entry(literal).or_insert(position);
        self.lengths.insert(literal.len());
    }

    fn first_at_start(&self, text: &[u8]) -> Option<usize> {
        self.first(|length| text.get(..length))
    }

    fn first_at_end(&self, text: &[u8]) -> Option<usize> {
        self.first(|length| text.get(text.len().checked_sub(length)?..))
    }

    fn first<'t>(&self, part: impl Fn(usize) -> Option<&'t [u8]>) -> Option<usize> {
        let parts = self.lengths.iter().map_while(|length| part(*length));
        parts
            .filter_map(|part| self.positions.get(part))
            .min()
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The reference implementation for one pattern.
    fn covers(pattern: &TextMatch, other: &TextMatch) -> bool {
        match (pattern, other) {
            _ if pattern.is_any() => true,
            (TextMatch::Exact(_), TextMatch::Exact(_)) => pattern == other,
            (TextMatch::Prefix(start), TextMatch::Exact(text) | TextMatch::Prefix(text)) => {
                text.starts_with(&**start)
            }
            (TextMatch::Suffix(end), TextMatch::Exact(text) | TextMatch::Suffix(text)) => {
                text.ends_with(&**end)
            }
            _ => false,
        }
    }

    fn pattern() -> impl Strategy<Value = TextMatch> {
        prop_oneof!["[ab]{0,3}", "[ab]{0,3}\\*", "\\*[ab]{0,3}"]
            .prop_map(|text| TextMatch::parse(&text).unwrap())
    }

    proptest! {
        #[test]
        fn finds_the_same_cover_as_a_linear_search(
            patterns in prop::collection::vec(pattern(), 0..8),
            other in prop_oneof![pattern(), Just(TextMatch::present())],
        ) {
            let plain = patterns.iter().position(|pattern| covers(pattern, &other));
            prop_assert_eq!(TextCover::new(patterns.iter().enumerate()).first(&other), plain);
        }
    }
}
