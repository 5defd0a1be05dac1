//! How to read values that clients can spell in several ways.

/// How strictly to match, depending on the consequence of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A match lets the request pass: only the value as written counts, and each repeat must match.
    Narrow,
    /// A match denies the request: every spelling that the workload may read as the value counts.
    Wide,
}
