//! A few of many names, and how many more there are.

/// The first `most` names with commas between them, and the number of the others.
pub(crate) fn some_of(names: impl ExactSizeIterator<Item = String>, most: usize) -> String {
    let more = names.len().saturating_sub(most);
    let named: Vec<_> = names.take(most).collect();
    let named = named.join(", ");
    match more {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
