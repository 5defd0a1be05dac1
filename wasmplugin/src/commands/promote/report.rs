//! The report on what is in shadow.

use peergate_insight::promotion::Window;
use peergate_insight::promotion::enforce::Change;
use peergate_insight::promotion::judged::Judged;
use peergate_insight::promotion::verdict::Standard;

/// All that is to be said.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) window: Window,
    pub(super) standard: Standard,
    pub(super) judged: Vec<Judged>,
    /// What was changed, by the name of its file.
    pub(super) written: Vec<Change>,
}
