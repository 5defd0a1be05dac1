//! The explanation of a decision with its patch.

use peergate_insight::explanation::explained::Explained;

use super::patch::Patch;

/// The explanation of a decision with its patch.
#[derive(Debug)]
pub struct Report<'r> {
    /// The decision, its reason and the remedy.
    pub explained: &'r Explained,
    /// The change, as a unified diff.
    pub patch: Option<&'r Patch>,
    /// Whether the command writes the change to the file.
    pub is_written: bool,
}
