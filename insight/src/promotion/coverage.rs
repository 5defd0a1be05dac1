//! Scrape coverage of a window. Requests that were not scraped may have been denied.

use std::time::Duration;

use policy_schema::timestamp::Timestamp;

use super::counting::{self, Window, moment};
use crate::prometheus::{Prometheus, PrometheusError};

/// Prometheus' lookback delta: a series exists this long after a sample.
const MAX_REACH: Duration = Duration::from_mins(5);

/// The number of consecutive scrapes that may fail.
const SCRAPES_IN_REACH: u32 = 3;

/// One part in this many of a window may be uncovered.
const TOLERATED: u32 = 20;

/// The scrape coverage of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The last sample, if it is too old to cover the end of the window.
    pub ended: Option<Timestamp>,
    /// Gaps between samples, if they are too long.
    pub gap: Option<Gap>,
}

/// The parts of a window without samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The total length.
    pub length: Duration,
    /// The end of the last gap.
    pub last: Timestamp,
    /// The time until the gaps leave a window of this length.
    pub wait: Duration,
}

impl Coverage {
    /// Combines the coverage of two selectors that must both be covered.
    pub(super) fn and(self, other: Self) -> Self {
        let ended = match (self.ended, other.ended) {
            (Some(one), Some(another)) => Some(one.min(another)),
            (ended, None) | (None, ended) => ended,
        };
        let gap = match (self.gap, other.gap) {
            (Some(one), Some(another)) => Some(Gap {
                length: one.length.max(another.length),
                last: one.last.max(another.last),
                wait: one.wait.max(another.wait),
            }),
            (gap, None) | (None, gap) => gap,
        };
        Self { ended, gap }
    }
}

/// Queries how far the samples of a selector cover the window. `counted` is the part of the window in which requests count.
pub(super) async fn ask(
    prometheus: &Prometheus,
    selector: &str,
    asked: Window,
    counted: Window,
) -> Result<Coverage, PrometheusError> {
    let samples = prometheus
        .query(&counting::max_samples(selector, asked), asked.until)
        .await?;
    let reach = reach(asked, samples.first().map_or(0.0, |sample| sample.value));
    let at_end = counting::sampled_within(selector, reach);
    let ended = if prometheus.query(&at_end, asked.until).await?.is_empty() {
        Some(last_sample(prometheus, selector, asked).await?)
    } else {
        None
    };
    let share = counting::covered_share(selector, reach, counted);
    let share = prometheus.query(&share, asked.until).await?;
    let length = uncovered(counted, share.first().map(|sample| sample.value));
    if length <= tolerated(asked) {
        return Ok(Coverage { ended, gap: None });
    }
    let last = counting::last_uncovered(selector, reach, counted);
    let last = prometheus.query(&last, asked.until).await?;
    let last = last.first().and_then(|sample| moment(sample.value));
    let last = last.unwrap_or(asked.until);
    let gap = Gap {
        length,
        last,
        wait: Window {
            from: asked.from.min(last),
            until: last,
        }
        .length(),
    };
    Ok(Coverage {
        ended,
        gap: Some(gap),
    })
}

/// The time of the last sample of the selector.
pub(super) async fn last_sample(
    prometheus: &Prometheus,
    selector: &str,
    asked: Window,
) -> Result<Timestamp, PrometheusError> {
    let last = async |window: Window| {
        let query = counting::last_seen(selector, window);
        let last = prometheus.query(&query, window.until).await?;
        Ok::<_, PrometheusError>(last.first().and_then(|sample| moment(sample.value)))
    };
    let roughly = last(asked).await?.unwrap_or(asked.from);
    let exactly = last(asked.after_sample(roughly)).await?;
    Ok(exactly.unwrap_or(roughly))
}

/// The time that a sample covers: a few scrape intervals, at most Prometheus' lookback delta.
fn reach(asked: Window, samples: f64) -> Duration {
    let asked = asked.length();
    let between = asked.as_secs_f64() / samples.max(1.0);
    let few = Duration::try_from_secs_f64(between)
        .unwrap_or(asked)
        .saturating_mul(SCRAPES_IN_REACH);
    few.max(asked / TOLERATED).min(MAX_REACH)
}

/// The tolerated uncovered time of a window.
fn tolerated(asked: Window) -> Duration {
    asked.length() / TOLERATED
}

/// The uncovered time of a window with this covered share.
fn uncovered(window: Window, share: Option<f64>) -> Duration {
    let share = share.filter(|share| (0.0..=1.0).contains(share));
    window.length().mul_f64(1.0 - share.unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(length: Duration) -> Window {
        Window {
            from: Timestamp::from_unix_nanoseconds(0),
            until: Timestamp::from_unix_nanoseconds(0).after(length),
        }
    }

    #[test]
    fn a_sample_covers_a_few_scrapes_and_at_most_five_minutes() {
        let (minute, second) = (Duration::from_mins(1), Duration::from_secs(1));
        for (length, samples, expected) in [
            (60 * 24 * 7 * minute, 40_320.0, 5 * minute),
            (60 * minute, 60.0, 3 * minute),
            (60 * minute, 3_600.0, 3 * minute),
            (20 * second, 20.0, 3 * second),
            (20 * second, 0.0, 60 * second),
            (60 * 24 * 7 * minute, f64::NAN, 5 * minute),
        ] {
            assert_eq!(
                reach(window(length), samples),
                expected,
                "{samples} in {length:?}"
            );
        }
    }

    #[test]
    fn missing_samples_leave_the_window_uncovered() {
        let day = window(Duration::from_hours(24));
        for (share, hours) in [
            (Some(1.0), 0),
            (Some(0.75), 6),
            (None, 24),
            (Some(f64::NAN), 24),
            (Some(2.0), 24),
        ] {
            let expected = Duration::from_hours(hours);
            assert_eq!(uncovered(day, share), expected, "{share:?}");
        }
    }

    #[test]
    fn combines_policies_to_the_worst_coverage() {
        let at = |second: u64| Timestamp::from_unix_nanoseconds(second * 1_000_000_000);
        let gap = |length, last| {
            Some(Gap {
                length: Duration::from_secs(length),
                last: at(last),
                wait: Duration::from_secs(last),
            })
        };
        let coverage = |ended: Option<u64>, gap| Coverage {
            ended: ended.map(at),
            gap,
        };
        for (one, another, expected) in [
            (
                coverage(None, None),
                coverage(None, None),
                coverage(None, None),
            ),
            (
                coverage(Some(5), gap(3, 9)),
                coverage(None, None),
                coverage(Some(5), gap(3, 9)),
            ),
            (
                coverage(Some(5), gap(3, 9)),
                coverage(Some(4), gap(2, 10)),
                coverage(Some(4), gap(3, 10)),
            ),
        ] {
            assert_eq!(one.and(another), expected);
            assert_eq!(another.and(one), expected);
        }
    }
}
