//! What there is to say about the parts of an input.

use crate::diagnostic::Place;

/// Something of the input that is not imported as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it stands.
    pub place: Place,
    /// What becomes of it.
    pub outcome: Outcome,
    /// What it is and why, in one sentence without a full stop.
    pub message: String,
}

/// What becomes of a part of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It is of a kind that has no part in an import.
    Unrelated,
    /// It is imported, and there is something to know about it.
    Noted,
    /// It cannot be read, so its content is unknown.
    Unreadable,
    /// It is not imported, and neither is what belongs to it.
    LeftOut,
    /// Nothing is imported because of it.
    Fatal,
}

impl Outcome {
    /// Whether the documents lack something that the input says.
    pub fn is_loss(self) -> bool {
        self >= Self::Unreadable
    }
}
