//! Lines that nothing is learnt from.

use peergate_insight::learning::seen::{Faults, WithoutCaller};

/// Lines that nothing is learnt from.
#[derive(Debug)]
pub struct Unread {
    /// Lines that are not from an access log, by file.
    pub faults: Vec<Faults>,
    /// Lines that do not say who called.
    pub without_caller: Option<WithoutCaller>,
}
