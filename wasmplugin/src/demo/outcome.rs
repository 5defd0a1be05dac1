//! What came of a call.

use super::cases::{Case, Expectation};

/// What came of one case.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The case.
    pub(crate) case: Case,
    /// What happened.
    pub(crate) got: Expectation,
    /// The id of the decision, where it was denied.
    pub(crate) decision: Option<String>,
}

impl Outcome {
    /// Whether it is what was expected.
    pub(crate) fn is_as_expected(&self) -> bool {
        self.case.expected == self.got
    }
}
