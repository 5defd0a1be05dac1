//! Abbreviated lists of names.

/// How many of many names a note lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listing {
    /// A few, and the number of the others.
    #[default]
    Abbreviated,
    /// All.
    Complete,
}

impl Listing {
    /// The names with commas between them. An abbreviated list has at most `limit` of them.
    pub(crate) fn list(self, names: impl ExactSizeIterator<Item = String>, limit: usize) -> String {
        match self {
            Self::Abbreviated => abbreviated(names, limit),
            Self::Complete => abbreviated(names, usize::MAX),
        }
    }
}

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
