//! What is to be said of a mesh.

use super::finding::Finding;

/// What is to be said of a mesh.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Where it is not what the documents say, in the order of codes and subjects.
    pub findings: Vec<Finding>,
    /// What could not be looked at, each in one clause.
    pub unchecked: Vec<String>,
}
