//! The promotion report.

use peergate_insight::promotion::Window;
use peergate_insight::promotion::enforce::Change;
use peergate_insight::promotion::judged::Judged;
use peergate_insight::promotion::verdict::Standard;

/// The verdicts on policies and rules in shadow.
#[derive(Debug)]
pub struct Report {
    /// The time window of the evidence.
    pub window: Window,
    /// The standard that the evidence has to meet.
    pub standard: Standard,
    /// The candidates with their verdicts.
    pub judged: Vec<Judged>,
    /// The changed files.
    pub written: Vec<Change>,
}
