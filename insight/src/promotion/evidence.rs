//! The evidence from Prometheus about a candidate.

use std::time::Duration;

use policy_schema::plugin_config::PolicyName;
use policy_schema::telemetry::ObservedValue;
use policy_schema::timestamp::Timestamp;

use super::counting::Window;
use super::coverage::Coverage;
use super::revisions::Revisions;

/// The evidence about a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The revisions that proxies run.
    pub revisions: Revisions,
    /// The counters, or the policies that no proxy counted.
    pub seen: Result<Seen, Vec<PolicyName>>,
}

/// The counters of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The start of counting.
    pub since: Timestamp,
    /// Why counting starts then.
    pub beginning: Beginning,
    /// The part of the window before the start.
    pub missing: Duration,
    /// The scrape coverage of the counted time.
    pub coverage: Coverage,
    /// The number of decided requests.
    pub requests: u64,
    /// Shadow hits.
    pub hits: Vec<Hits>,
    /// Shadow hits by caller. None without learning mode.
    pub callers: Option<Vec<CallerHits>>,
}

/// Why counting starts at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// The requested window starts then.
    Requested,
    /// There are no earlier samples.
    FirstSeen,
    /// A proxy ran another revision before.
    Revised,
}

/// Shadow hits with the same rule and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hits {
    /// None if no rule decided.
    pub rule: Option<String>,
    /// The label's value, such as `no-rule-matched`.
    pub reason: String,
    /// The number of requests, including those before the first sample.
    pub requests: u64,
    /// The number of requests counted before the first sample, at an unknown time.
    pub before: u64,
}

/// Shadow hits of a caller, method and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerHits {
    /// The SPIFFE ID.
    pub caller: ObservedValue,
    /// The HTTP method.
    pub method: ObservedValue,
    /// The path without its query.
    pub path: ObservedValue,
    /// The number of requests.
    pub requests: u64,
}

/// Windows to count in. Times are only accurate to one step, so requests are counted slightly too late, and denials slightly
/// too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    pub(super) of_requests: Window,
    pub(super) of_hits: Window,
    pub(super) beginning: Beginning,
}

impl Windows {
    pub(super) fn new(asked: Window, first_seen: Timestamp, revisions: &Revisions) -> Self {
        // The window includes this sample.
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
            // A series that existed from the start has its first sample soon after it.
            _ if is_early(asked, first) => Self {
                of_requests: asked,
                of_hits: asked,
                beginning: Beginning::Requested,
            },
            _ => Self {
                of_requests: asked.since(first),
                of_hits: asked,
                beginning: Beginning::FirstSeen,
            },
        }
    }

    /// The part of the requested window that does not count.
    pub(super) fn missing(self, asked: Window) -> Duration {
        let (from, since) = (asked.from, self.of_requests.from);
        let missing = since
            .unix_nanoseconds()
            .saturating_sub(from.unix_nanoseconds());
        Duration::from_nanos(missing)
    }
}

/// Whether a series first seen at this time probably existed at the start of the window.
fn is_early(asked: Window, first: Timestamp) -> bool {
    let late = Window {
        from: asked.from,
        until: first.max(asked.from),
    };
    late.milliseconds() * 100 <= asked.milliseconds()
}
