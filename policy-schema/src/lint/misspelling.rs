//! Finds typing mistakes in names.
//!
//! Service names come in families: `team-a` and `team-b`, `worker` and `workers`, `shipping` and
//! `shopping`. Edit distance alone would take each for a misspelling of the other. So a mistake
//! must look like one: swapped or doubled letters, a letter that is missing from the middle of a
//! long word, or a neighboring key. Other endings and other vowels make other words.

use std::collections::HashMap;

use strsim::osa_distance;

/// The maximum number of names of the same shape to compare. Beyond that, a mistake may be missed.
pub(super) const MAX_COMPARED: usize = 1_000;

/// The minimum length of a word in which swapped or doubled letters are a mistake.
const MIN_WORD_LEN: usize = 3;

/// The minimum length of a word in which one missing or extra letter is a mistake.
const MIN_LEN_FOR_MISSING_LETTER: usize = 6;

/// The minimum length of a word in which one different letter is a mistake.
const MIN_LEN_FOR_OTHER_LETTER: usize = 7;

/// The minimum length of a word in which two pairs of swapped letters are a mistake.
const MIN_LEN_FOR_TWO_SWAPS: usize = 8;

/// The minimum length of a word in which any two mistakes are likelier than another word, if the
/// lengths differ.
const MIN_LEN_FOR_TWO_MISTAKES: usize = 12;

/// The maximum length of a label key in which one missing letter is a mistake.
const MAX_SHORT_LABEL_LEN: usize = 4;

/// The rows of a keyboard, each shifted a little to the right.
const KEYBOARD: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];

const VOWELS: [char; 5] = ['a', 'e', 'i', 'o', 'u'];

/// Known names, by the shapes that typing mistakes preserve.
#[derive(Debug, Default)]
pub(super) struct Names<'n> {
    by_shape: HashMap<String, Vec<&'n str>>,
    by_letters: HashMap<String, &'n str>,
}

impl<'n> Names<'n> {
    /// Indexes names. Of several with the same letters, the first is suggested.
    pub(super) fn new(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut index = Self::default();
        for name in names {
            for shape in shapes(name) {
                index.by_shape.entry(shape).or_default().push(name);
            }
            index.by_letters.entry(letters(name)).or_insert(name);
        }
        index
    }

    /// The known name that `name` probably misspells.
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
            .filter(|candidate| is_misspelled(name, candidate))
            .min_by_key(|candidate| osa_distance(name, candidate))
    }

    /// The same for the key of a label, such as `app`, because a short key is rarely another word.
    pub(super) fn closest_label(&self, key: &str) -> Option<&'n str> {
        self.closest(key).or_else(|| {
            let names = self.by_letters.values().copied();
            let is_shortened = |name: &&str| {
                let length = name.chars().count();
                length <= MAX_SHORT_LABEL_LEN
                    && key.chars().count() < length
                    && osa_distance(key, name) == 1
                    && name.strip_suffix('s') != Some(key)
            };
            names.filter(is_shortened).min()
        })
    }
}

/// Whether `name` is a known name with a typing mistake.
fn is_misspelled(name: &str, known: &str) -> bool {
    let mut pairs = words(name).zip(words(known));
    name != known
        && words(name).count() == words(known).count()
        && pairs.all(|(word, known)| word == known || is_misspelled_word(word, known))
}

fn is_misspelled_word(word: &str, known: &str) -> bool {
    let [word, known] = [word, known].map(|text| text.chars().collect::<Vec<_>>());
    let shorter = word.len().min(known.len());
    let start = word.iter().zip(&known).take_while(|(a, b)| a == b).count();
    let ends = word.iter().rev().zip(known.iter().rev());
    let end = ends.take_while(|(a, b)| a == b).count();
    let edits = osa_distance(
        &word.iter().collect::<String>(),
        &known.iter().collect::<String>(),
    );
    match edits {
        1 if word.len() != known.len() => {
            let longer = if word.len() > known.len() {
                &word
            } else {
                &known
            };
            let is_inside = start > 0 && end > 0 && shorter >= MIN_LEN_FOR_MISSING_LETTER;
            shorter >= MIN_WORD_LEN && (is_doubled(longer, start) || is_inside)
        }
        1 if have_the_same_letters(&word, &known) => shorter >= MIN_WORD_LEN,
        1 => {
            let others = word.get(start).zip(known.get(start));
            end > 0
                && shorter >= MIN_LEN_FOR_OTHER_LETTER
                && others.is_some_and(|(letter, known)| are_confused(*letter, *known))
        }
        2 if have_the_same_letters(&word, &known) => shorter >= MIN_LEN_FOR_TWO_SWAPS,
        2 => word.len() != known.len() && end > 0 && shorter >= MIN_LEN_FOR_TWO_MISTAKES,
        _ => false,
    }
}

/// Whether the extra letter of a longer word, after `start` common ones, repeats the one before it.
fn is_doubled(longer: &[char], start: usize) -> bool {
    let before = start.checked_sub(1).and_then(|before| longer.get(before));
    before.is_some() && before == longer.get(start)
}

fn have_the_same_letters(word: &[char], other: &[char]) -> bool {
    let sorted = |word: &[char]| {
        let mut letters = word.to_vec();
        letters.sort_unstable();
        letters
    };
    sorted(word) == sorted(other)
}

/// Whether `number` is a known number with swapped digits, or with a repeated digit doubled or
/// missing.
pub(super) fn is_mistyped_number(number: u16, known: u16) -> bool {
    let [number, known] = [number, known].map(|number| number.to_string());
    let digits = |number: &str| number.chars().collect::<Vec<_>>();
    let (digits, known_digits) = (digits(&number), digits(&known));
    let longer = if digits.len() > known_digits.len() {
        &digits
    } else {
        &known_digits
    };
    let pairs = digits.iter().zip(&known_digits);
    let start = pairs.take_while(|(a, b)| a == b).count();
    osa_distance(&number, &known) == 1
        && if digits.len() == known_digits.len() {
            have_the_same_letters(&digits, &known_digits)
        } else {
            is_doubled(longer, start)
        }
}

/// Whether two letters are neighbors on a keyboard. Vowels are never confused: they make another
/// word.
fn are_confused(letter: char, other: char) -> bool {
    let place = |letter: char| {
        let mut rows = (0_usize..).zip(KEYBOARD);
        rows.find_map(|(row, keys)| Some((row, keys.find(letter)?)))
    };
    let are_vowels = VOWELS.contains(&letter) && VOWELS.contains(&other);
    let (Some((row, key)), Some((other_row, other_key))) = (place(letter), place(other)) else {
        return false;
    };
    let is_beside = match row.abs_diff(other_row) {
        0 => key.abs_diff(other_key) == 1,
        1 => {
            // A key touches the one below it and the one to the left of that.
            let (above, below) = if row < other_row {
                (key, other_key)
            } else {
                (other_key, key)
            };
            above == below || above == below + 1
        }
        _ => false,
    };
    is_beside && !are_vowels
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(['-', '.', '_'])
}

fn letters(name: &str) -> String {
    words(name).collect()
}

/// For each word, its digits and its first letter, its first two letters in any order, or its
/// second. A misspelled name shares one of these shapes with the correct one.
fn shapes(name: &str) -> [String; 3] {
    [(0, 1), (0, 2), (1, 1)].map(|(skipped, count)| {
        let mut shape = format!("{skipped}{count}");
        for word in words(name) {
            let mut start: Vec<_> = word.chars().skip(skipped).take(count).collect();
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
    fn distinguishes_typing_mistakes_from_other_names() {
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
        let names = Names::new(known);
        for (name, meant) in [
            ("shop-wbe", Some("shop-web")),
            ("shpo-web", Some("shop-web")),
            ("shopweb", Some("shop-web")),
            ("shop_web", Some("shop-web")),
            ("shpo", Some("shop")),
            ("hsop", Some("shop")),
            ("shopp", Some("shop")),
            ("chekcuot", Some("checkout")),
            ("checkot", Some("checkout")),
            ("checkkout", Some("checkout")),
            ("vheckout", Some("checkout")),
            ("chexkout", Some("checkout")),
            ("recomendationservce", Some("recommendationservice")),
            ("shp", None),
            ("checkaut", None),
            ("checkouts", None),
            ("heckout", None),
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
    fn does_not_report_similar_ordinary_words() {
        for pair in [
            "collector connector",
            "shipping shopping",
            "transform transport",
            "products producer",
            "workers worker",
            "orders order",
            "payments payment",
            "tracer trader",
            "conversion conversation",
            "users user",
            "apps app",
            "shipper shopper",
            "billing building",
            "mailer mapper",
            "indexer indexes",
            "consumer consumers",
            "backend backends",
            "host ghost",
            "catalog catalogs",
            "catalog catalogue",
            "cronjobs cronjob",
            "loader leader",
            "api apis",
            "auth oauth",
            "pricing printing",
            "portal postal",
            "router rooter",
            "reader header",
            "stock stack",
            "email emailer",
            "stats states",
            "cleaner cleaver",
            "scanner spanner",
            "reporter importer",
            "cache caches",
            "match batch",
            "store score",
            "store storage",
            "query quest",
            "search searcher",
            "notifier notified",
            "dispatch despatch",
            "ledger lodger",
            "invoice invoicer",
            "invoice invoices",
            "minter minder",
            "quoter quotes",
            "quotas quotes",
            "broker broken",
            "client clients",
            "insight insights",
            "planner scanner",
            "profile profiler",
            "crawler crawlers",
            "transformation transportation",
        ] {
            let (one, other) = pair.split_once(' ').unwrap();
            assert_eq!(Names::new([one]).closest(other), None, "{pair}");
            assert_eq!(Names::new([other]).closest(one), None, "{pair}");
        }
    }

    #[test]
    fn numbers_are_mistyped_by_swapped_and_repeated_digits() {
        for (number, known, is_found) in [
            (8008, 8080, true),
            (880, 8080, false),
            (80, 8080, false),
            (8443, 443, false),
            (80_80, 8081, false),
            (9187, 5432, false),
            (5_433, 5432, false),
            (54322, 5432, true),
            (543, 5432, false),
            (9090, 9091, false),
        ] {
            assert_eq!(
                is_mistyped_number(number, known),
                is_found,
                "{number} {known}"
            );
        }
    }

    #[test]
    fn does_not_compare_names_with_different_numbers() {
        let known: Vec<_> = (0..10_000).map(|number| format!("svc-{number}")).collect();
        let names = Names::new(known.iter().map(String::as_str));
        let most = names.by_shape.values().map(Vec::len).max();
        assert_eq!(most, Some(1));
        assert_eq!(names.closest("scv-77"), Some("svc-77"));
    }
}
