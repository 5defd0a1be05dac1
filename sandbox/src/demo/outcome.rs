//! What came of a call.

use super::cases::{Case, Expectation};

/// What came of one case.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// The case.
    pub(super) case: Case,
    /// What happened.
    pub(super) got: Expectation,
    /// The id of the decision, where it was denied.
    pub(super) decision: Option<String>,
}

impl Outcome {
    /// Whether it is what was expected.
    pub(super) fn is_as_expected(&self) -> bool {
        self.case.expected == self.got
    }
}
