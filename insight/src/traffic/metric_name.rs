//! The metrics and labels that nobody else reads.

use policy_schema::telemetry::{Label, metric};

pub(super) const EXPIRY: &str = metric::EXPIRY.name;
pub(super) const COMPARISONS: &str = metric::COMPARISONS.name;
/// The label for what the two planes said.
pub(super) const VERDICTS: &str = Label::Verdicts.tag();
/// Counts configurations that a filter has refused.
pub(super) const REJECTIONS: &str = metric::REJECTIONS.name;
/// Counts lines that a filter's log has left out.
pub(super) const OMITTED: &str = metric::OMITTED.name;
/// What a filter takes of memory, in bytes.
pub(super) const MEMORY: &str = metric::MEMORY.name;
