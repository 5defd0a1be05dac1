//! A request, or several alike, as a source tells of them.

use policy_schema::plugin_config::PolicyName;
use policy_schema::timestamp::Timestamp;

/// A request, or several alike, as a source tells of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Observation {
    /// The policy of the workload that was called.
    pub(crate) policy: PolicyName,
    /// The URI name in the caller's certificate, whatever it is.
    pub(crate) peer: Option<String>,
    pub(crate) method: Option<String>,
    /// Without query.
    pub(crate) path: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) outcome: Outcome,
    /// The rule that the filter says allowed it, by its id.
    pub(crate) allowed_by: Option<String>,
    pub(crate) tally: Tally,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was let through, and answered with this status.
    Answered(u16),
    /// It was let through. The source does not say how it was answered.
    Allowed,
    /// Peergate's filter or RBAC refused it.
    Denied,
    /// Another filter refused it, by what no rule sees: a token, what an authorizer knows, or a filter that failed.
    DeniedByOtherFilter,
    /// There was no answer, as when the caller went away.
    Unanswered,
    /// The workload itself made it, and its proxy sent it to another.
    Outbound,
    /// The source does not say whether somebody called the workload, or the workload somebody.
    UndeterminedDirection,
}

/// How often something was seen, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// When.
    pub period: Period,
}

/// From the first time that something was seen to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub first: Timestamp,
    /// The last moment.
    pub last: Timestamp,
}

impl Tally {
    /// Seen once.
    pub fn once(at: Timestamp) -> Self {
        let period = Period {
            first: at,
            last: at,
        };
        Self { count: 1, period }
    }

    /// Both together.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            period: self.period.and(other.period),
        }
    }

    /// Adds to what was seen of the same so far.
    pub(crate) fn add_to(self, sum: &mut Option<Self>) {
        *sum = Some(sum.map_or(self, |sum| sum.and(self)));
    }
}

impl Period {
    /// The shortest that both are part of.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }

    /// How long it is, in nanoseconds.
    pub(crate) fn length(self) -> u64 {
        let (first, last) = (self.first.unix_nanoseconds(), self.last.unix_nanoseconds());
        last.saturating_sub(first)
    }
}
