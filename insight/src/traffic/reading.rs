//! What was counted until a moment, wherever it was read.

use std::collections::{BTreeMap, BTreeSet};

use policy_schema::telemetry::ObservedValue;
use policy_schema::timestamp::Timestamp;

/// What was counted until a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// When it was taken.
    pub at: Timestamp,
    /// How many proxies were read, as far as that is known.
    pub proxies: Option<u64>,
    /// Decisions, and matches of rules that have no say.
    pub decisions: BTreeMap<Decision, Count>,
    /// In the learning mode alone.
    pub observed: BTreeMap<ObservedRequest, Count>,
    /// Whether there are more of them, who call less.
    pub has_more_observed: bool,
    /// By a policy's label, how many proxies run which revision.
    pub revisions: BTreeMap<String, BTreeMap<String, u64>>,
    /// By the labels of a policy and of a rule, in seconds since the Unix epoch.
    pub expiries: BTreeMap<(String, String), f64>,
    /// By a policy's label and what the two planes said.
    pub comparisons: BTreeMap<(String, String), f64>,
    /// Configurations that filters have refused, if reported.
    pub rejections: Option<f64>,
    /// Lines that filters have left out of their logs, if reported.
    pub omitted_log_lines: Option<f64>,
    /// None where that is not told.
    pub memory: Option<Memory>,
    /// Whether something was counted under names that have the labels in them, so that it cannot be read.
    pub is_unlabelled: bool,
}

/// What a counter of decisions is for, by its labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decision {
    /// The policy's label.
    pub policy: String,
    /// The rule's id, or `-` where no rule decided.
    pub rule: String,
    /// What was done.
    pub effect: String,
    /// Why.
    pub reason: String,
}

/// What a counter of the learning mode is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObservedRequest {
    /// The policy's label.
    pub policy: String,
    /// The rule's id, or `-` where no rule decided.
    pub rule: String,
    /// What was done.
    pub effect: String,
    /// The SPIFFE ID.
    pub caller: ObservedValue,
    /// The HTTP method.
    pub method: ObservedValue,
    /// The path without its query.
    pub path: ObservedValue,
}

/// How much was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    /// Since counting began.
    pub total: f64,
    /// By the second; none where only one look was taken.
    pub rate: Option<f64>,
}

/// What the filters take of memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// All of them together.
    pub all: f64,
    /// The one that takes most.
    pub largest: f64,
}

impl Count {
    /// So many in all.
    pub fn from_total(total: f64) -> Self {
        Self { total, rate: None }
    }

    /// So many by the second.
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
    /// Before anything was read.
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

    /// The labels of the policies that anything is known of.
    pub fn policies(&self) -> BTreeSet<&str> {
        let decided = self.decisions.keys().map(|decision| &decision.policy);
        let observed = self.observed.keys().map(|request| &request.policy);
        let policies = decided.chain(observed).chain(self.revisions.keys());
        policies.map(String::as_str).collect()
    }

    /// The same with rates, by what was counted at an earlier moment.
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
            reason = "a moment between looks has few digits"
        )]
        let seconds = nanoseconds as f64 / 1e9;
        rate(&mut self.decisions, &earlier.decisions, seconds);
        rate(&mut self.observed, &earlier.observed, seconds);
        self
    }
}

/// A number that says how many: none of those that Prometheus has for no number, none that a counter of 64 bits cannot
/// have, and 0 without a sign.
pub fn quantity(number: f64) -> Option<f64> {
    const MAX_COUNTER: f64 = 18_446_744_073_709_551_615.0;
    (0.0..=MAX_COUNTER)
        .contains(&number)
        .then_some(number + 0.0)
}

/// A number without its fraction.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is beyond the bounds becomes the bound"
)]
pub fn whole(number: f64) -> u64 {
    number.round() as u64
}

fn rate<K: Ord>(now: &mut BTreeMap<K, Count>, earlier: &BTreeMap<K, Count>, seconds: f64) {
    for (key, count) in now {
        let before = earlier.get(key).map_or(0.0, |count| count.total);
        // A counter that fell has begun again: all it has is new.
        let risen = if count.total < before {
            count.total
        } else {
            count.total - before
        };
        count.rate = Some(risen / seconds);
    }
}
