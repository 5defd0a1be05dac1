//! A few of many names, and how many more there are.

/// The first `most` names with commas between them, and the number of the others.
pub(crate) fn some_of(names: impl ExactSizeIterator<Item = String>, most: usize) -> String {
    let more = names.len().saturating_sub(most);
    let first: Vec<_> = names.take(most).collect();
    let first = first.join(", ");
    match more {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
