//! Findings about parts of the input.

use crate::diagnostic::Place;

/// A part of the input that is not imported as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its place.
    pub place: Place,
    /// The outcome for the part.
    pub outcome: Outcome,
    /// What it is and why, in one sentence without a full stop.
    pub message: String,
}

/// The outcome for a part of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Ignored: its kind is not imported.
    Unrelated,
    /// Imported, with a note.
    Noted,
    /// Not readable, so its content is unknown.
    Unreadable,
    /// Not imported, together with everything that depends on it.
    LeftOut,
    /// Prevents the whole import.
    Fatal,
}

impl Outcome {
    /// Whether the documents lack something from the input.
    pub fn is_loss(self) -> bool {
        self >= Self::Unreadable
    }
}
