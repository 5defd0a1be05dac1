//! Names that differ from a known one by a typing mistake.
//!
//! Names of services come in families: `team-a` and `team-b`, `web-v1` and `web-v2`, `reader` and `leader`. Fewest
//! edits alone would take each for a misspelling of the other, so a mistake must look like one.

use std::collections::HashMap;

use strsim::osa_distance;

/// How many names of the same shape a name is compared with. Beyond, a mistake may be missed.
const MAX_COMPARED: usize = 1_000;

/// The fewest letters of a word in which another letter is a mistake rather than another word.
const SHORTEST_WITH_OTHER_LETTER: usize = 5;

/// The fewest letters of a word in which two mistakes are likelier than another word.
const SHORTEST_WITH_TWO_MISTAKES: usize = 8;

/// The most letters of a label's key that every typing mistake is looked for in.
const LONGEST_SHORT_LABEL: usize = 4;

/// Known names, by what a typing mistake leaves as it is.
#[derive(Debug, Default)]
pub(super) struct Names<'n> {
    by_shape: HashMap<String, Vec<&'n str>>,
    by_letters: HashMap<String, &'n str>,
}

impl<'n> Names<'n> {
    /// Indexes names. Of several with the same letters, the first is suggested.
    pub(super) fn of(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut index = Self::default();
        for name in names {
            for shape in shapes(name) {
                index.by_shape.entry(shape).or_default().push(name);
            }
            index.by_letters.entry(letters(name)).or_insert(name);
        }
        index
    }

    /// The known name that was probably meant by `name`, which is not known.
    pub(super) fn closest(&self, name: &str) -> Option<&'n str> {
        let same = self.by_letters.get(&letters(name));
        if let Some(same) = same.filter(|same| **same != name) {
            return Some(same);
        }
        let shapes = shapes(name);
        let candidates = shapes.iter().flat_map(|shape| {
            let names = self.by_shape.get(shape).into_iter().flatten();
            names.take(MAX_COMPARED).copied()
        });
        candidates
            .filter(|candidate| is_misspelt(name, candidate))
            .min_by_key(|candidate| osa_distance(name, candidate))
    }

    /// The same for the key of a label, such as `app`, where a short word is rarely another one.
    pub(super) fn closest_label(&self, key: &str) -> Option<&'n str> {
        self.closest(key).or_else(|| {
            let names = self.by_letters.values().copied();
            let short = names.filter(|name| name.chars().count() <= LONGEST_SHORT_LABEL);
            short.filter(|name| osa_distance(key, name) == 1).min()
        })
    }
}

/// Whether `name` is a known name with a typing mistake.
fn is_misspelt(name: &str, known: &str) -> bool {
    let mut pairs = words(name).zip(words(known));
    name != known
        && words(name).count() == words(known).count()
        && pairs.all(|(word, known)| word == known || is_misspelt_word(word, known))
}

fn is_misspelt_word(word: &str, known: &str) -> bool {
    let (length, other) = (word.chars().count(), known.chars().count());
    let shorter = length.min(other);
    match osa_distance(word, known) {
        1 if length != other => shorter >= 3,
        1 if are_swapped(word, known) => true,
        1 => shorter >= SHORTEST_WITH_OTHER_LETTER && word.get(..1) == known.get(..1),
        2 => shorter >= SHORTEST_WITH_TWO_MISTAKES,
        _ => false,
    }
}

/// Whether two words of the same length have the same letters.
fn are_swapped(word: &str, other: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters: Vec<_> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(word) == sorted(other)
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(['-', '.', '_'])
}

fn letters(name: &str) -> String {
    words(name).collect()
}

/// The digits of each word with its first letter, and with its first two in any order: names with a
/// typing mistake share one of them.
fn shapes(name: &str) -> [String; 2] {
    [1, 2].map(|count| {
        let mut shape = count.to_string();
        for word in words(name) {
            let mut start: Vec<_> = word.chars().take(count).collect();
            start.sort_unstable();
            let digits = word.chars().filter(char::is_ascii_digit);
            shape.push('-');
            shape.extend(start.into_iter().chain(digits));
        }
        shape
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_mistakes_are_told_from_other_names() {
        let known = [
            "shop-web",
            "shop",
            "checkout",
            "team-a",
            "web-1",
            "api",
            "leader",
            "cart",
            "recommendationservice",
        ];
        let names = Names::of(known);
        for (name, meant) in [
            ("shop-wbe", Some("shop-web")),
            ("shpo-web", Some("shop-web")),
            ("shopweb", Some("shop-web")),
            ("shop_web", Some("shop-web")),
            ("shpo", Some("shop")),
            ("hsop", Some("shop")),
            ("shopp", Some("shop")),
            ("shp", Some("shop")),
            ("chekcuot", Some("checkout")),
            ("checkaut", Some("checkout")),
            ("recomendationservce", Some("recommendationservice")),
            ("checkout-v2", None),
            ("team-b", None),
            ("team-ab", None),
            ("web-2", None),
            ("web-11", None),
            ("app", None),
            ("reader", None),
            ("card", None),
            ("backup", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(names.closest(name), meant, "{name}");
        }
    }

    #[test]
    fn names_that_a_number_sets_apart_are_not_compared() {
        let known: Vec<_> = (0..10_000).map(|number| format!("svc-{number}")).collect();
        let names = Names::of(known.iter().map(String::as_str));
        let most = names.by_shape.values().map(Vec::len).max();
        assert_eq!(most, Some(1));
        assert_eq!(names.closest("scv-77"), Some("svc-77"));
    }
}
