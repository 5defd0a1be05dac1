//! Queries that count what counters counted, in PromQL.

use std::time::Duration;

use policy_schema::timestamp::Timestamp;

use crate::promql::{EFFECT, POLICY, REASON, RULE};

/// How many samples at a series tell when it began: enough for a fraction of a percent of the window.
const SAMPLES: u64 = 500;

/// How often series are looked at, at most.
const MIN_STEP_MILLISECONDS: u64 = 100;

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

impl Window {
    /// The stretch of this length that ends at a moment.
    pub fn before(until: Timestamp, length: Duration) -> Self {
        let length = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        let from = until.unix_nanoseconds().saturating_sub(length);
        Self {
            from: Timestamp::from_unix_nanoseconds(from),
            until,
        }
    }

    /// The same from a later moment on, and not beyond its end.
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

    /// How long it is, to the millisecond.
    pub fn length(self) -> Duration {
        Duration::from_millis(self.milliseconds())
    }

    /// The moment that is as long after the window's end as its beginning is before.
    pub(super) fn lookahead_end(self) -> Timestamp {
        let (from, until) = (self.from.unix_nanoseconds(), self.until.unix_nanoseconds());
        Timestamp::from_unix_nanoseconds(until.saturating_add(until - from))
    }

    /// As PromQL has it.
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

    /// The stretch between the look at `at` and the one before it.
    pub(super) fn before_sample(self, at: Timestamp) -> Self {
        let step = self.step_milliseconds().saturating_mul(1_000_000);
        Self {
            from: Timestamp::from_unix_nanoseconds(at.unix_nanoseconds().saturating_sub(step)),
            until: at,
        }
    }

    /// The stretch between the look at `at` and the one after it, and not beyond the window's end.
    pub(super) fn after_sample(self, at: Timestamp) -> Self {
        Self {
            from: at.min(self.until),
            until: self.step_after(at).min(self.until),
        }
    }

    /// The moment of the look after one at `at`.
    pub(super) fn step_after(self, at: Timestamp) -> Timestamp {
        let step = self.step_milliseconds().saturating_mul(1_000_000);
        Timestamp::from_unix_nanoseconds(at.unix_nanoseconds().saturating_add(step))
    }
}

/// How much the counters of a selector rose while they were looked at.
///
/// Between the first look and the last one that is exact. `increase()` goes on to the edges of the window as if all had
/// gone on as before; a bound must not rest on requests that nobody saw, so it stands in only where a counter began
/// again, of which samples alone do not tell.
pub(super) fn increase(selector: &str, window: Window) -> String {
    let seen = format!("{selector}[{}]", window.duration());
    format!(
        "(((max_over_time({seen}) - min_over_time({seen})) and (resets({seen}) == 0)) or increase({seen}))"
    )
}

/// The same for proxies alone that have a series of the selector `present`.
pub(super) fn increase_where(selector: &str, present: &str, window: Window) -> String {
    format!(
        "({} and ignoring ({RULE}, {EFFECT}, {REASON}) max_over_time({present}[{}]))",
        increase(selector, window),
        window.duration()
    )
}

/// The same for proxies alone that have a series of one of the selectors `present`, of whichever policy.
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

/// What a query gives of proxies that have no series of a selector, of whichever policy.
pub(super) fn elsewhere(query: &str, selector: &str, window: Window) -> String {
    format!(
        "({query} unless ignoring ({POLICY}, {RULE}, {EFFECT}, {REASON}) max_over_time({selector}[{}]))",
        window.duration()
    )
}

/// What counters that appeared within the window had counted when they were first looked at.
pub(super) fn counted_before(selector: &str, window: Window) -> String {
    let duration = window.duration();
    format!("(min_over_time({selector}[{duration}]) unless {selector} offset {duration})")
}

/// The sum of a query by labels.
pub(super) fn sum_by(labels: &[&str], query: &str) -> String {
    format!("sum by ({}) ({query})", labels.join(", "))
}

/// How many series of the selector were looked at, be it only once and just now.
pub(super) fn series_count(selector: &str, window: Window) -> String {
    format!("count(count_over_time({selector}[{}]))", window.duration())
}

/// When a series of the selector was first looked at, to a fraction of the window.
pub(super) fn first_seen(selector: &str, window: Window) -> String {
    format!(
        "min(min_over_time(timestamp({selector})[{}:{}]))",
        window.duration(),
        window.step()
    )
}

/// When a series of the selector was last looked at, to a fraction of the window.
pub(super) fn last_seen(selector: &str, window: Window) -> String {
    format!(
        "max(max_over_time(timestamp({selector})[{}:{}]))",
        window.duration(),
        window.step()
    )
}

/// How often the series of the selector that was looked at most often was.
pub(super) fn max_samples(selector: &str, window: Window) -> String {
    format!("max(count_over_time({selector}[{}]))", window.duration())
}

/// Whether a series of the selector was looked at within `reach` before the moment of the query.
pub(super) fn sampled_within(selector: &str, reach: Duration) -> String {
    let reach = reach.as_millis().max(1);
    format!("count(count_over_time({selector}[{reach}ms]))")
}

/// The share of the window's moments that have a look within reach.
pub(super) fn covered_share(selector: &str, reach: Duration, window: Window) -> String {
    format!(
        "avg_over_time((({} > bool 0) or vector(0))[{}:{}])",
        sampled_within(selector, reach.max(window.step_duration())),
        window.duration(),
        window.step()
    )
}

/// The last of the window's moments that has no look within reach.
pub(super) fn last_uncovered(selector: &str, reach: Duration, window: Window) -> String {
    format!(
        "max_over_time((vector(time()) unless {})[{}:{}])",
        sampled_within(selector, reach.max(window.step_duration())),
        window.duration(),
        window.step()
    )
}

/// When a series of the selector last had another value.
pub(super) fn last_different(selector: &str, value: u64, window: Window) -> String {
    format!(
        "max(max_over_time(timestamp({selector} != {value})[{}:{}]))",
        window.duration(),
        window.step()
    )
}

/// A moment out of seconds since the Unix epoch; none before it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is positive, and what is beyond the bound becomes the bound"
)]
pub(super) fn moment(seconds: f64) -> Option<Timestamp> {
    (seconds > 1.0).then(|| {
        let milliseconds = (seconds * 1000.0).round() as u64;
        Timestamp::from_unix_nanoseconds(milliseconds.saturating_mul(1_000_000))
    })
}
