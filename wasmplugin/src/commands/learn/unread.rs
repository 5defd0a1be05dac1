//! Lines that nothing is learnt from.

use peergate_insight::learning::seen::{Faults, WithoutCaller};

/// Lines that nothing is learnt from.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) faults: Vec<Faults>,
    pub(super) without_caller: Option<WithoutCaller>,
}
