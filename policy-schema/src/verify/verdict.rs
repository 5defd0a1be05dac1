//! The result of `verify`.

use super::finding::Finding;

/// The result of `verify`.
#[derive(Debug, Default)]
pub struct Verdict {
    /// The findings, sorted by code and subject.
    pub findings: Vec<Finding>,
    /// What could not be checked, each in one clause.
    pub unchecked: Vec<String>,
}
