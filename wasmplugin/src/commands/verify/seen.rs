//! How much of a mesh was inspected.

use crate::probe::Answers;

/// How much was looked at.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// None if objects were not asked for.
    pub(super) objects: Option<usize>,
    /// Those that say what they run.
    pub(super) proxies: usize,
    /// Those that were asked and do not.
    pub(super) mute_proxies: usize,
    pub(super) probes: Vec<Probed>,
    /// Those that could not be tried too.
    pub(super) ports: usize,
}

/// A port that was tried, and how it answered.
#[derive(Debug)]
pub(super) struct Probed {
    pub(super) address: String,
    /// The pod whose port it is, if that is known.
    pub(super) pod: Option<String>,
    pub(super) answers: Answers,
}
