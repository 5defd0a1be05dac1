//! Log lines that were not learned from.

use peergate_insight::learning::seen::{Faults, WithoutCaller};

/// Log lines that were not learned from.
#[derive(Debug)]
pub struct Unread {
    /// Lines that are not access log entries, by file.
    pub faults: Vec<Faults>,
    /// Lines that do not name the caller.
    pub without_caller: Option<WithoutCaller>,
}
