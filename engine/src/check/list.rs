//! Lists in a rule, checked value by value.

use crate::code;
use crate::matching::TextMatch;
use crate::problem::{Cursor, Problems};

/// Checks each value of an optional list. An empty list is rejected, because it could mean
/// everything or nothing.
pub(super) fn check_list<T, U>(
    values: Option<&[T]>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
    mut check: impl FnMut(&T, &Cursor<'_>, &mut Problems) -> Option<U>,
) -> Vec<U> {
    let Some(values) = values else {
        return Vec::new();
    };
    if values.is_empty() {
        problems.report(
            code::EMPTY_LIST,
            cursor,
            "the list is empty",
            "add a value; without the field, every value matches",
        );
    }
    let mut checked = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        checked.extend(check(value, &cursor.index(index), problems));
    }
    checked
}

/// Checks one text. Dynamic, so that the code that reads lists exists once for each type of value
/// and not for each field.
pub(super) type CheckText<'c, U> = &'c dyn Fn(&str, &Cursor<'_>, &mut Problems) -> Option<U>;

/// Checks a list of non-empty texts.
pub(super) fn check_texts<U>(
    values: Option<&[String]>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
    check: CheckText<'_, U>,
) -> Vec<U> {
    check_list(values, cursor, problems, |value, cursor, problems| {
        if value.is_empty() {
            problems.report(
                code::EMPTY_VALUE,
                cursor,
                "the value is empty",
                "write a value, or remove this element",
            );
            return None;
        }
        check(value, cursor, problems)
    })
}

/// A text pattern for a field where `*` matches every value that is present, even an empty one,
/// like Envoy's header matchers.
pub(super) fn check_header_pattern(
    text: &str,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<TextMatch> {
    check_pattern(text, cursor, problems).map(|pattern| match pattern {
        TextMatch::Any => TextMatch::present(),
        other => other,
    })
}

/// A text pattern for any field.
pub(super) fn check_pattern(
    text: &str,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<TextMatch> {
    let pattern = TextMatch::parse(text);
    if pattern.is_err() {
        problems.report(
            code::INVALID_WILDCARD,
            cursor,
            format!("`{text}` has a misplaced `*`"),
            "use one `*`, at the start or the end, or `*` alone",
        );
    }
    pattern.ok()
}
