//! How to read a value that a client can spell in several ways.

/// What a match leads to, and so what counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A match lets the request pass: only the value as it is written counts, and each repeat must match.
    Narrow,
    /// A match stops the request: every spelling that the workload may take for the value counts.
    Wide,
}
