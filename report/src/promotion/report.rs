//! The report on what is in shadow.

use peergate_insight::promotion::Window;
use peergate_insight::promotion::enforce::Change;
use peergate_insight::promotion::judged::Judged;
use peergate_insight::promotion::verdict::Standard;

/// All that is to be said.
#[derive(Debug)]
pub struct Report {
    /// What was looked at.
    pub window: Window,
    /// What was asked of it.
    pub standard: Standard,
    /// What was in shadow, and what came of it.
    pub judged: Vec<Judged>,
    /// What was changed, by the name of its file.
    pub written: Vec<Change>,
}
