//! All that is said of a decision.

use peergate_insight::explanation::explained::Explained;

use super::patch::Patch;

/// All that is said of a decision.
#[derive(Debug)]
pub struct Report<'r> {
    /// The decision, why it was so, and what would change it.
    pub explained: &'r Explained,
    /// The change, as a unified diff.
    pub patch: Option<&'r Patch>,
    /// Whether it goes into the file by itself.
    pub is_written: bool,
}
