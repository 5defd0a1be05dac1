//! Reports values that the `not…` list of the same field also has, and duplicates.

use std::collections::HashSet;

use crate::code;
use crate::problem::{Cursor, Problems};
use crate::rule::Terms;

/// Reports values that the `not…` list of the same field also has, and duplicates.
pub(super) fn check<V: ToString>(
    [key, not_key]: [&'static str; 2],
    Terms {
        any_of: values,
        none_of: excluded,
    }: &Terms<Vec<V>>,
    first_excluding: impl Fn(&V) -> Option<usize>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let at = cursor.key(key);
    for (index, value) in values.iter().enumerate() {
        let excluding = first_excluding(value).and_then(|position| excluded.get(position));
        if let Some(excluding) = excluding {
            problems.report(
                code::NEVER_MATCHES,
                &at.index(index),
                format!(
                    "`{}` never matches: `{not_key}` has `{}`",
                    value.to_string(),
                    excluding.to_string()
                ),
                format!("remove it from `{key}`, or narrow `{not_key}`"),
            );
        }
    }
    check_duplicates(values, &at, problems);
    check_duplicates(excluded, &cursor.key(not_key), problems);
}

/// Reports values that a list has already.
pub(super) fn check_duplicates<V: ToString>(
    values: &[V],
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let mut seen = HashSet::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        if !seen.insert(value.to_string()) {
            problems.report(
                code::DUPLICATE_VALUE,
                &cursor.index(index),
                format!("`{}` is already in this list", value.to_string()),
                "remove one of them",
            );
        }
    }
}
