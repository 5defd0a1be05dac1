//! Observed requests.

use policy_schema::plugin_config::PolicyName;
use policy_schema::timestamp::Timestamp;

/// One or more observed requests with the same attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Observation {
    /// The policy of the called workload.
    pub(crate) policy: PolicyName,
    /// The URI SAN of the caller's certificate, unvalidated.
    pub(crate) peer: Option<String>,
    pub(crate) method: Option<String>,
    /// The path without its query.
    pub(crate) path: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) outcome: Outcome,
    /// The ID of the rule that allowed the request, as reported by the filter.
    pub(crate) allowed_by: Option<String>,
    pub(crate) tally: Tally,
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The request was allowed and answered with this status.
    Answered(u16),
    /// The request was allowed. The status is unknown.
    Allowed,
    /// Peergate's filter or RBAC denied the request.
    Denied,
    /// Another filter denied the request, for a reason that rules cannot see.
    DeniedByOtherFilter,
    /// There was no response, for example because the caller disconnected.
    Unanswered,
    /// The workload itself sent the request.
    Outbound,
    /// The source does not show whether the request was inbound or outbound.
    UndeterminedDirection,
}

/// A number of requests and their period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The number of requests.
    pub count: u64,
    /// The period.
    pub period: Period,
}

/// The time from the first to the last observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first observation.
    pub first: Timestamp,
    /// The last observation.
    pub last: Timestamp,
}

impl Tally {
    /// A single observation.
    pub fn once(at: Timestamp) -> Self {
        let period = Period {
            first: at,
            last: at,
        };
        Self { count: 1, period }
    }

    /// The sum of two tallies.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            period: self.period.and(other.period),
        }
    }

    /// Adds this tally to a sum.
    pub(crate) fn add_to(self, sum: &mut Option<Self>) {
        *sum = Some(sum.map_or(self, |sum| sum.and(self)));
    }
}

impl Period {
    /// The shortest period that contains both.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }

    /// The length in nanoseconds.
    pub(crate) fn length(self) -> u64 {
        let (first, last) = (self.first.unix_nanoseconds(), self.last.unix_nanoseconds());
        last.saturating_sub(first)
    }
}
