//! Counters at one point in time.

use std::collections::{BTreeMap, BTreeSet};

use policy_schema::telemetry::ObservedValue;
use policy_schema::timestamp::Timestamp;

/// Counters at one point in time.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The time of the reading.
    pub at: Timestamp,
    /// The number of proxies, if known.
    pub proxies: Option<u64>,
    /// Decisions, and matches of rules that only record.
    pub decisions: BTreeMap<Decision, Count>,
    /// Requests by caller, in learning mode only.
    pub observed: BTreeMap<ObservedRequest, Count>,
    /// Whether there are more callers with fewer requests.
    pub has_more_observed: bool,
    /// The number of proxies by policy label and revision.
    pub revisions: BTreeMap<String, BTreeMap<String, u64>>,
    /// The expiry in Unix seconds, by policy label and rule label.
    pub expiries: BTreeMap<(String, String), f64>,
    /// RBAC comparisons by policy label and verdicts.
    pub comparisons: BTreeMap<(String, String), f64>,
    /// Rejected plugin configs, if reported.
    pub rejections: Option<f64>,
    /// Omitted log lines, if reported.
    pub omitted_log_lines: Option<f64>,
    /// Memory, if reported.
    pub memory: Option<Memory>,
    /// Whether there are counters with labels flattened into their names, which cannot be read.
    pub is_unlabelled: bool,
}

/// The labels of a decision counter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decision {
    /// The policy label.
    pub policy: String,
    /// The rule ID, or `-` if no rule decided.
    pub rule: String,
    /// The effect.
    pub effect: String,
    /// The reason.
    pub reason: String,
}

/// The labels of a learning mode counter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObservedRequest {
    /// The policy label.
    pub policy: String,
    /// The rule ID, or `-` if no rule decided.
    pub rule: String,
    /// The effect.
    pub effect: String,
    /// The SPIFFE ID.
    pub caller: ObservedValue,
    /// The HTTP method.
    pub method: ObservedValue,
    /// The path without its query.
    pub path: ObservedValue,
}

/// A count and its rate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    /// The total since the counter started.
    pub total: f64,
    /// The rate per second. None with a single reading.
    pub rate: Option<f64>,
}

/// The memory of the filters, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// The total.
    pub all: f64,
    /// The largest filter.
    pub largest: f64,
}

impl Count {
    /// A total without a rate.
    pub fn from_total(total: f64) -> Self {
        Self { total, rate: None }
    }

    /// A rate without a total.
    pub fn from_rate(rate: f64) -> Self {
        Self {
            total: 0.0,
            rate: Some(rate),
        }
    }

    /// The sum of two.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            total: self.total + other.total,
            rate: match (self.rate, other.rate) {
                (Some(rate), Some(other)) => Some(rate + other),
                (rate, other) => rate.or(other),
            },
        }
    }
}

impl Reading {
    /// Creates an empty reading.
    pub fn new(at: Timestamp) -> Self {
        Self {
            at,
            proxies: None,
            decisions: BTreeMap::new(),
            observed: BTreeMap::new(),
            has_more_observed: false,
            revisions: BTreeMap::new(),
            expiries: BTreeMap::new(),
            comparisons: BTreeMap::new(),
            rejections: None,
            omitted_log_lines: None,
            memory: None,
            is_unlabelled: false,
        }
    }

    /// The labels of all policies in the reading.
    pub fn policies(&self) -> BTreeSet<&str> {
        let decided = self.decisions.keys().map(|decision| &decision.policy);
        let observed = self.observed.keys().map(|request| &request.policy);
        let policies = decided.chain(observed).chain(self.revisions.keys());
        policies.map(String::as_str).collect()
    }

    /// Adds rates, computed from an earlier reading.
    #[must_use]
    pub fn since(mut self, earlier: &Self) -> Self {
        let nanoseconds = self
            .at
            .unix_nanoseconds()
            .saturating_sub(earlier.at.unix_nanoseconds());
        if nanoseconds == 0 {
            return self;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "the time between readings has few digits"
        )]
        let seconds = nanoseconds as f64 / 1e9;
        rate(&mut self.decisions, &earlier.decisions, seconds);
        rate(&mut self.observed, &earlier.observed, seconds);
        self
    }
}

/// A valid quantity: finite, within the range of a 64-bit counter, and without a negative zero.
pub fn quantity(number: f64) -> Option<f64> {
    const MAX_COUNTER: f64 = 18_446_744_073_709_551_615.0;
    (0.0..=MAX_COUNTER)
        .contains(&number)
        .then_some(number + 0.0)
}

/// Truncates a number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates"
)]
pub fn whole(number: f64) -> u64 {
    number.round() as u64
}

fn rate<K: Ord>(now: &mut BTreeMap<K, Count>, earlier: &BTreeMap<K, Count>, seconds: f64) {
    for (key, count) in now {
        let before = earlier.get(key).map_or(0.0, |count| count.total);
        // A counter that decreased was reset: all of its value is new.
        let risen = if count.total < before {
            count.total
        } else {
            count.total - before
        };
        count.rate = Some(risen / seconds);
    }
}
