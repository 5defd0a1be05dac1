//! The outcome of a call.

use super::cases::{Case, Expectation};

/// The outcome of a case.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// The case.
    pub(super) case: Case,
    /// The actual outcome.
    pub(super) got: Expectation,
    /// The decision ID of a denied call.
    pub(super) decision: Option<String>,
}

impl Outcome {
    /// Whether the outcome is the expected one.
    pub(super) fn is_as_expected(&self) -> bool {
        self.case.expected == self.got
    }
}
