//! PromQL queries over counters.

use std::time::Duration;

use policy_schema::timestamp::Timestamp;

use crate::promql::{EFFECT, POLICY, REASON, RULE};

/// The number of samples to find the start of a series, accurate to a fraction of a percent of the window.
const SAMPLES: u64 = 500;

/// The minimum step between samples.
const MIN_STEP_MILLISECONDS: u64 = 100;

/// A time window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The start.
    pub from: Timestamp,
    /// The end.
    pub until: Timestamp,
}

impl Window {
    /// The window of this length that ends at `until`.
    pub fn before(until: Timestamp, length: Duration) -> Self {
        let length = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        let from = until.unix_nanoseconds().saturating_sub(length);
        Self {
            from: Timestamp::from_unix_nanoseconds(from),
            until,
        }
    }

    /// The window from a later start, at most its end.
    pub(super) fn since(self, from: Timestamp) -> Self {
        Self {
            from: self.from.max(from).min(self.until),
            until: self.until,
        }
    }

    pub(super) fn milliseconds(self) -> u64 {
        let nanoseconds = self.until.unix_nanoseconds() - self.from.unix_nanoseconds();
        nanoseconds / 1_000_000
    }

    /// The length in milliseconds precision.
    pub fn length(self) -> Duration {
        Duration::from_millis(self.milliseconds())
    }

    /// The end of a window of the same length that follows this one.
    pub(super) fn lookahead_end(self) -> Timestamp {
        let (from, until) = (self.from.unix_nanoseconds(), self.until.unix_nanoseconds());
        Timestamp::from_unix_nanoseconds(until.saturating_add(until - from))
    }

    /// The length in PromQL syntax.
    fn duration(self) -> String {
        format!("{}ms", self.milliseconds().max(1))
    }

    fn step_milliseconds(self) -> u64 {
        (self.milliseconds() / SAMPLES).max(MIN_STEP_MILLISECONDS)
    }

    fn step_duration(self) -> Duration {
        Duration::from_millis(self.step_milliseconds())
    }

    fn step(self) -> String {
        format!("{}ms", self.step_milliseconds())
    }

    /// The step before the sample at `at`.
    pub(super) fn before_sample(self, at: Timestamp) -> Self {
        let step = self.step_milliseconds().saturating_mul(1_000_000);
        Self {
            from: Timestamp::from_unix_nanoseconds(at.unix_nanoseconds().saturating_sub(step)),
            until: at,
        }
    }

    /// The step after the sample at `at`, at most until the end of the window.
    pub(super) fn after_sample(self, at: Timestamp) -> Self {
        Self {
            from: at.min(self.until),
            until: self.step_after(at).min(self.until),
        }
    }

    /// The time of the sample after `at`.
    pub(super) fn step_after(self, at: Timestamp) -> Timestamp {
        let step = self.step_milliseconds().saturating_mul(1_000_000);
        Timestamp::from_unix_nanoseconds(at.unix_nanoseconds().saturating_add(step))
    }
}

/// The increase of the counters of a selector between samples.
///
/// The difference between the first and the last sample is exact. `increase()` extrapolates to the edges of the window. A
/// bound must not rest on extrapolated requests, so `increase()` is only used for counters that were reset.
pub(super) fn increase(selector: &str, window: Window) -> String {
    let seen = format!("{selector}[{}]", window.duration());
    format!(
        "(((max_over_time({seen}) - min_over_time({seen})) and (resets({seen}) == 0)) or increase({seen}))"
    )
}

/// The increase at proxies that have a series of the selector `present`.
pub(super) fn increase_where(selector: &str, present: &str, window: Window) -> String {
    format!(
        "({} and ignoring ({RULE}, {EFFECT}, {REASON}) max_over_time({present}[{}]))",
        increase(selector, window),
        window.duration()
    )
}

/// The increase at proxies that have a series of any of the selectors `present`, of any policy.
pub(super) fn increase_at_proxies<'s>(
    selector: &str,
    present: impl Iterator<Item = &'s str>,
    window: Window,
) -> String {
    let present = present.map(|present| format!("max_over_time({present}[{}])", window.duration()));
    let present: Vec<_> = present.collect();
    format!(
        "({} and ignoring ({POLICY}, {RULE}, {EFFECT}, {REASON}) ({}))",
        increase(selector, window),
        present.join(" or ")
    )
}

/// Restricts a query to proxies without a series of a selector, of any policy.
pub(super) fn elsewhere(query: &str, selector: &str, window: Window) -> String {
    format!(
        "({query} unless ignoring ({POLICY}, {RULE}, {EFFECT}, {REASON}) max_over_time({selector}[{}]))",
        window.duration()
    )
}

/// The first sample of counters that appeared within the window.
pub(super) fn counted_before(selector: &str, window: Window) -> String {
    let duration = window.duration();
    format!("(min_over_time({selector}[{duration}]) unless {selector} offset {duration})")
}

/// The sum of a query by labels.
pub(super) fn sum_by(labels: &[&str], query: &str) -> String {
    format!("sum by ({}) ({query})", labels.join(", "))
}

/// The number of series of the selector with a sample in the window.
pub(super) fn series_count(selector: &str, window: Window) -> String {
    format!("count(count_over_time({selector}[{}]))", window.duration())
}

/// The time of the first sample of the selector, accurate to one step.
pub(super) fn first_seen(selector: &str, window: Window) -> String {
    format!(
        "min(min_over_time(timestamp({selector})[{}:{}]))",
        window.duration(),
        window.step()
    )
}

/// The time of the last sample of the selector, accurate to one step.
pub(super) fn last_seen(selector: &str, window: Window) -> String {
    format!(
        "max(max_over_time(timestamp({selector})[{}:{}]))",
        window.duration(),
        window.step()
    )
}

/// The maximum number of samples of a series of the selector.
pub(super) fn max_samples(selector: &str, window: Window) -> String {
    format!("max(count_over_time({selector}[{}]))", window.duration())
}

/// Whether a series of the selector has a sample within `reach` before the query time.
pub(super) fn sampled_within(selector: &str, reach: Duration) -> String {
    let reach = reach.as_millis().max(1);
    format!("count(count_over_time({selector}[{reach}ms]))")
}

/// The share of the window with a sample within reach.
pub(super) fn covered_share(selector: &str, reach: Duration, window: Window) -> String {
    format!(
        "avg_over_time((({} > bool 0) or vector(0))[{}:{}])",
        sampled_within(selector, reach.max(window.step_duration())),
        window.duration(),
        window.step()
    )
}

/// The last time in the window without a sample within reach.
pub(super) fn last_uncovered(selector: &str, reach: Duration, window: Window) -> String {
    format!(
        "max_over_time((vector(time()) unless {})[{}:{}])",
        sampled_within(selector, reach.max(window.step_duration())),
        window.duration(),
        window.step()
    )
}

/// The last time at which a series of the selector had a different value.
pub(super) fn last_different(selector: &str, value: u64, window: Window) -> String {
    format!(
        "max(max_over_time(timestamp({selector} != {value})[{}:{}]))",
        window.duration(),
        window.step()
    )
}

/// Converts Unix seconds to a timestamp. None before the epoch.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is positive, and the cast saturates"
)]
pub(super) fn moment(seconds: f64) -> Option<Timestamp> {
    (seconds > 1.0).then(|| {
        let milliseconds = (seconds * 1000.0).round() as u64;
        Timestamp::from_unix_nanoseconds(milliseconds.saturating_mul(1_000_000))
    })
}
