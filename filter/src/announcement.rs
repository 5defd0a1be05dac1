//! Announces the policies that a filter has enforced on a request, and their decision, to later
//! filters.
//!
//! Several policies may select one workload, each with a filter of its own. The leader's filter
//! runs first and enforces its own copies of the followers. A copy can differ from a follower's own
//! configuration, because one of the objects was edited in place or a roll-out is in progress. So
//! an announcement identifies each policy by name and digest.
//!
//! An announcement is filter state of the request, which clients cannot write.

use peergate_engine::engine::{CompiledPolicy, EnforcedPolicy};
use peergate_engine::plugin_config::PolicyName;

use crate::host::Host;

const PROPERTY: &[u8] = b"peergate.enforced";

/// Why the filters so far let a request pass: the first line of an announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// An enforced `Allow` rule matched.
    Allowed,
    /// Nothing denied it: none of their policies denies by default, or all are in shadow.
    NotDenied,
}

/// The policies that a filter enforces, in the form of an announcement: name and digest, each on a
/// line that starts with a line break.
#[derive(Debug)]
pub struct OwnPolicies {
    lines: Box<str>,
}

/// The announcements of earlier filters.
#[derive(Debug)]
pub struct Announcement {
    passage: Passage,
    lines: Box<str>,
}

impl Passage {
    fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::NotDenied => "not-denied",
        }
    }
}

impl OwnPolicies {
    /// The policies of a leader or potential follower; `None` if no other policy overlaps.
    pub fn new(policy: &CompiledPolicy) -> Option<Self> {
        let policies = policy.policies();
        let is_alone = policies.len() == 1 && !policy.may_be_led();
        let line = |policy: &EnforcedPolicy| format!("\n{} {}", policy.name(), policy.digest());
        (!is_alone).then(|| Self {
            lines: policies.iter().map(line).collect(),
        })
    }

    /// Announces the policies, and why the request passes.
    pub fn announce(&self, passage: Passage, host: &impl Host) {
        let text = [passage.as_str(), &self.lines].concat();
        host.set_property(PROPERTY, text.as_bytes());
    }

    /// Announces the policies in addition to earlier announcements.
    pub fn announce_after(&self, before: &Announcement, passage: Passage, host: &impl Host) {
        let text = [passage.as_str(), &before.lines, &self.lines].concat();
        host.set_property(PROPERTY, text.as_bytes());
    }
}

impl Announcement {
    /// Reads the announcements on the request. Invalid ones are ignored.
    pub fn read(host: &impl Host) -> Option<Self> {
        let text = host.property(PROPERTY)?;
        let text = str::from_utf8(&text).ok()?;
        let (first, lines) = text.split_at_checked(text.find('\n')?)?;
        let mut passages = [Passage::Allowed, Passage::NotDenied].into_iter();
        Some(Self {
            passage: passages.find(|passage| passage.as_str() == first)?,
            lines: lines.into(),
        })
    }

    /// Why the request passed.
    pub fn passage(&self) -> Passage {
        self.passage
    }

    /// Whether all these policies were enforced in this version.
    pub fn covers(&self, policies: &OwnPolicies) -> bool {
        let is_known = |line: &str| self.lines.lines().any(|known| known == line);
        policies.lines.lines().all(is_known)
    }

    /// Whether a policy was enforced, in any version.
    pub fn names(&self, policy: &PolicyName) -> bool {
        let name = policy.to_string();
        let mut lines = self.lines.lines();
        lines.any(|line| line.split_once(' ').is_some_and(|(known, _)| known == name))
    }
}
