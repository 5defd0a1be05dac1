//! All that is said of a decision.

use peergate_insight::explanation::Explanation;
use peergate_insight::explanation::change::Tried;
use policy_schema::decision_id::DecisionRecord;

use super::patch::Patch;

/// All that is said of a decision.
#[derive(Debug)]
pub struct Report<'r> {
    /// What the id has.
    pub record: &'r DecisionRecord,
    /// Whether nobody without the key can have made the id.
    pub is_sealed: bool,
    /// What the documents say of it.
    pub explanation: &'r Explanation<'r>,
    /// What would make it be allowed, and what came of trying it.
    pub tried: &'r Tried,
    /// The change, as a unified diff.
    pub patch: Option<&'r Patch>,
    /// Whether it goes into the file by itself.
    pub is_written: bool,
}
