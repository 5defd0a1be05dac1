//! The policies that filters have enforced on a request and their decisions, for the filters that run later.
//!
//! Several policies may select one workload, each with a filter of its own. The leader's filter runs first and
//! enforces its own copies of the others. Such a copy can differ from what the other filter has: one of the
//! objects was edited in place, or a roll-out has reached only some of them. So an announcement identifies each
//! policy by name and digest.
//!
//! No client can write an announcement: it is filter state of the request.

use peergate_engine::engine::{CompiledPolicy, EnforcedPolicy};
use peergate_engine::plugin_config::PolicyName;

use crate::host::Host;

const PROPERTY: &[u8] = b"peergate.enforced";

/// Why filters let a request pass: the first line of an announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// An `Allow` rule that is enforced matched.
    Allowed,
    /// Nothing denied it: no policy of theirs denies by default, or they are in shadow.
    NotDenied,
}

/// The policies that a filter enforces, as it announces them: each with its name and its digest, on a line
/// that a line break begins.
#[derive(Debug)]
pub struct OwnPolicies {
    lines: Box<str>,
}

/// What filters before this one have announced.
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
    /// Those of a policy that leads or may be led; none of one that no other meets.
    pub fn of(policy: &CompiledPolicy) -> Option<Self> {
        let policies = policy.policies();
        let is_alone = policies.len() == 1 && !policy.yields();
        let line = |policy: &EnforcedPolicy| format!("\n{} {}", policy.name(), policy.digest());
        (!is_alone).then(|| Self {
            lines: policies.iter().map(line).collect(),
        })
    }

    /// Announces them, and why the request passes.
    pub fn announce(&self, passage: Passage, host: &impl Host) {
        let text = [passage.as_str(), &self.lines].concat();
        host.set_property(PROPERTY, text.as_bytes());
    }

    /// Announces them with those that were announced before.
    pub fn announce_after(&self, before: &Announcement, passage: Passage, host: &impl Host) {
        let text = [passage.as_str(), &before.lines, &self.lines].concat();
        host.set_property(PROPERTY, text.as_bytes());
    }
}

impl Announcement {
    /// Reads what was left with the request. What is not understood announces nothing.
    pub fn read(host: &impl Host) -> Option<Self> {
        let text = String::from_utf8(host.property(PROPERTY)?).ok()?;
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

    /// Whether all these policies were enforced as they are.
    pub fn covers(&self, policies: &OwnPolicies) -> bool {
        let is_known = |line: &str| self.lines.lines().any(|known| known == line);
        policies.lines.lines().all(is_known)
    }

    /// Whether a policy was enforced, in this version or another.
    pub fn names(&self, policy: &PolicyName) -> bool {
        let name = policy.to_string();
        let mut lines = self.lines.lines();
        lines.any(|line| line.split_once(' ').is_some_and(|(known, _)| known == name))
    }
}
