//! What Prometheus saw of something in shadow.

use std::time::Duration;

use policy_schema::plugin_config::PolicyName;
use policy_schema::telemetry::ObservedValue;
use policy_schema::timestamp::Timestamp;

use super::counting::Window;
use super::coverage::Coverage;
use super::revisions::Revisions;

/// What was seen of something in shadow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Which revisions of its policies proxies run.
    pub revisions: Revisions,
    /// The policies of which no proxy counted it, if there are any.
    pub seen: Result<Seen, Vec<PolicyName>>,
}

/// What was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// From when on it counts.
    pub since: Timestamp,
    /// Why it counts from then on.
    pub beginning: Beginning,
    /// How much of the window it does not count for.
    pub missing: Duration,
    /// How far samples at it cover the time that counts.
    pub coverage: Coverage,
    /// The requests that were decided about, as far as they were seen.
    pub requests: u64,
    /// What was done in shadow.
    pub hits: Vec<Hits>,
    /// The same by caller; none where proxies do not tell.
    pub callers: Option<Vec<CallerHits>>,
}

/// Why it counts from when on it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// It was asked from then on.
    Asked,
    /// Nothing earlier was seen.
    FirstSeen,
    /// Before, some proxy ran another revision.
    Revised,
}

/// Requests with which the same was done in shadow, for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hits {
    /// None where no rule decided.
    pub rule: Option<String>,
    /// The label's value, such as `no-rule-matched`.
    pub reason: String,
    /// How many, those before the first look among them.
    pub requests: u64,
    /// How many of them were counted at an unknown time before the first sample of the counter.
    pub before: u64,
}

/// A caller, and what it asked for, with which something was done in shadow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerHits {
    /// The SPIFFE ID.
    pub caller: ObservedValue,
    /// The HTTP method.
    pub method: ObservedValue,
    /// The path without its query.
    pub path: ObservedValue,
    /// How many.
    pub requests: u64,
}

/// When to count what. Moments are known to a fraction of the window alone, so that requests are counted a little too
/// late rather than too early, and what should not happen the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    pub(super) of_requests: Window,
    pub(super) of_hits: Window,
    pub(super) beginning: Beginning,
}

impl Windows {
    pub(super) fn new(asked: Window, first_seen: Timestamp, revisions: &Revisions) -> Self {
        // That look itself is to be within the window, whichever of its ends counts.
        let first = Timestamp::from_unix_nanoseconds(first_seen.unix_nanoseconds() - 1_000_000);
        let revised = match revisions {
            Revisions::Current { since } => *since,
            Revisions::Unreported | Revisions::Others(_) => None,
        };
        match revised {
            Some(last_different) if last_different >= first => Self {
                of_requests: asked.since(asked.step_after(last_different)),
                of_hits: asked.since(last_different),
                beginning: Beginning::Revised,
            },
            // A series that was there from the beginning is first looked at soon after it.
            _ if is_early(asked, first) => Self {
                of_requests: asked,
                of_hits: asked,
                beginning: Beginning::Asked,
            },
            _ => Self {
                of_requests: asked.since(first),
                of_hits: asked,
                beginning: Beginning::FirstSeen,
            },
        }
    }

    /// How much of what was asked for does not count.
    pub(super) fn missing(self, asked: Window) -> Duration {
        let (from, since) = (asked.from, self.of_requests.from);
        let missing = since
            .unix_nanoseconds()
            .saturating_sub(from.unix_nanoseconds());
        Duration::from_nanos(missing)
    }
}

/// Whether something first seen at this moment was most likely there when the window began.
fn is_early(asked: Window, first: Timestamp) -> bool {
    let late = Window {
        from: asked.from,
        until: first.max(asked.from),
    };
    late.milliseconds() * 100 <= asked.milliseconds()
}
