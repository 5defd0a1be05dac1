//! Formatting of user text and of accepted values in faults.

use std::fmt::Write as _;

/// The maximum length of a quote. Longer text would bury the rest of the message.
const MAX_QUOTE_LEN: usize = 60;

/// `text` in back-ticks, abbreviated, and safe to print on a terminal.
pub(crate) fn quoted(text: &str) -> String {
    let mut quote = String::from("`");
    for (count, char) in text.chars().enumerate() {
        if count == MAX_QUOTE_LEN {
            quote.push('…');
            break;
        }
        if char.is_control() {
            let _ = write!(quote, "{}", char.escape_default());
        } else {
            quote.push(char);
        }
    }
    quote.push('`');
    quote
}

/// The words in back-ticks, as in "`a`, `b` and `c`".
pub(super) fn enumerate(words: &[&str], conjunction: &str) -> String {
    let mut text = String::new();
    for (position, word) in words.iter().enumerate() {
        let separator = match position {
            0 => "",
            _ if position + 1 == words.len() => conjunction,
            _ => ", ",
        };
        let _ = write!(text, "{separator}`{word}`");
    }
    text
}

/// The one of `words` that `word` probably misspells: the same word in another case, or else the
/// one with the fewest typing mistakes.
pub(crate) fn closest<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    let folded = word.to_lowercase();
    let length = folded.chars().count();
    let tolerance = (length / 3).max(1);
    words
        .iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= tolerance)
        .map(|candidate| {
            let mistakes = strsim::osa_distance(&folded, &candidate.to_lowercase());
            (mistakes, *candidate)
        })
        .filter(|(mistakes, _)| *mistakes <= tolerance)
        .min_by_key(|(mistakes, _)| *mistakes)
        .map(|(_, candidate)| candidate)
}
