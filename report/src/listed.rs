//! Abbreviated lists of names.

/// The first `limit` names, comma-separated, and the number of the rest.
pub(crate) fn abbreviated(names: impl ExactSizeIterator<Item = String>, limit: usize) -> String {
    let more = names.len().saturating_sub(limit);
    let first: Vec<_> = names.take(limit).collect();
    let first = first.join(", ");
    match more {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
