//! Text patterns, and lists in a text.

/// One character per byte.
pub(super) fn latin1(text: &[u8]) -> String {
    text.iter().copied().map(char::from).collect()
}

pub(super) fn bytes_of(latin1: &str) -> Vec<u8> {
    latin1
        .chars()
        .map(|letter| u8::try_from(letter).expect("it was a byte"))
        .collect()
}

pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_ascii_whitespace())
}

/// Whether a pattern for several values matches some adjacent ones, with or without spaces and
/// empty values between them, in one header or in several. If the pattern is open at a separator,
/// there must be another value, which may be empty.
pub(super) fn list_matches(pattern: &str, values: &[Vec<u8>], separators: &str) -> bool {
    let is_separator = |letter: char| separators.contains(letter);
    let listed = |text: &[u8]| {
        let parts = parts(text, separators).filter(|part| !part.is_empty());
        parts.map(|part| latin1(&part)).collect::<Vec<_>>()
    };
    let all: Vec<_> = values.iter().flat_map(|value| listed(value)).collect();
    let all = format!(",{},", all.join(","));
    let literal = trimmed(pattern.trim_matches('*'));
    let wanted = listed(literal.as_bytes()).join(",");
    let begins = !pattern.starts_with('*') || literal.starts_with(is_separator);
    let ends = !pattern.ends_with('*') || literal.ends_with(is_separator);
    let [before, after] = [begins, ends].map(|is_whole| if is_whole { "," } else { "" });
    let wanted_list = format!("{before}{wanted}{after}");
    let mut parts = values.iter().flat_map(|value| parts(value, separators));
    let has_empty = parts.any(|part| part.is_empty());
    let is_at = |at: usize| {
        let rest = all
            .get(at..)
            .and_then(|rest| rest.strip_prefix(&wanted_list));
        let Some(rest) = rest else { return false };
        let needs_more = pattern.ends_with('*') && literal.ends_with(is_separator);
        let needs_less = pattern.starts_with('*') && literal.starts_with(is_separator);
        has_empty || !(needs_more && rest.is_empty() || needs_less && at == 0)
    };
    literal.contains(is_separator) && !wanted.is_empty() && (0..all.len()).any(is_at)
}

/// The texts between separators.
pub(super) fn parts(value: &[u8], separators: &str) -> impl Iterator<Item = Vec<u8>> {
    let value = latin1(value);
    let parts = value.split(|letter: char| separators.contains(letter));
    let parts: Vec<_> = parts.map(|part| bytes_of(trimmed(part))).collect();
    parts.into_iter()
}

/// Like [`text_matches`], but `*` also matches empty values.
pub(super) fn header_matches(pattern: &str, text: &[u8]) -> bool {
    pattern == "*" || text_matches(pattern, text)
}

pub(super) fn text_matches(pattern: &str, text: &[u8]) -> bool {
    match pattern.split_once('*') {
        None => text == pattern.as_bytes(),
        Some(("", "")) => !text.is_empty(),
        Some((start, "")) => text.starts_with(start.as_bytes()),
        Some((_, end)) => text.ends_with(end.as_bytes()),
    }
}
