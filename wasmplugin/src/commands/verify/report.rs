//! The report on a mesh.

use policy_schema::diagnostic::SourceText;
use policy_schema::verify::Finding;

use super::seen::Seen;

/// All that is to be said.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// In the order of codes and subjects.
    pub(super) findings: Vec<Finding>,
    /// Inputs that were not given.
    pub(super) unchecked: Vec<String>,
    /// What was looked at.
    pub(super) seen: Seen,
    /// The texts that findings have their places in.
    pub(super) sources: Vec<SourceText>,
}
