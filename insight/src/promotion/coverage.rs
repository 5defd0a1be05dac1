//! For how much of a window Prometheus looked at something: what it did not scrape may have denied anything.

use std::time::Duration;

use policy_schema::timestamp::Timestamp;

use super::counting::{self, Window, moment};
use crate::prometheus::{Prometheus, PrometheusError};

/// A series is present for so long after a sample, to Prometheus itself.
const MAX_REACH: Duration = Duration::from_mins(5);

/// So many samples may fail in a row.
const SCRAPES_IN_REACH: u32 = 3;

/// One part in so many of a window may be uncovered.
const TOLERATED: u32 = 20;

/// How far the samples at something cover a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The last look, where it is too long ago to tell anything of the window's end.
    pub ended: Option<Timestamp>,
    /// What lies between samples, where it is too much.
    pub gap: Option<Gap>,
}

/// Stretches of a window without a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// All of them together.
    pub length: Duration,
    /// Where the last of them ends.
    pub last: Timestamp,
    /// How long until that is out of a window of this length.
    pub wait: Duration,
}

impl Coverage {
    /// What follows of two things that must both be covered.
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

/// Asks how far series of a selector, which were looked at in the window, cover it. `counted` is the part of the window
/// that requests count from.
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

/// When a series of the selector was last looked at.
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

/// How long after a look something is covered: for a few samples, as often as they come in this window, and for no longer
/// than Prometheus itself takes a series to be there.
fn reach(asked: Window, samples: f64) -> Duration {
    let asked = asked.length();
    let between = asked.as_secs_f64() / samples.max(1.0);
    let few = Duration::try_from_secs_f64(between)
        .unwrap_or(asked)
        .saturating_mul(SCRAPES_IN_REACH);
    few.max(asked / TOLERATED).min(MAX_REACH)
}

/// How much of a window may be uncovered.
fn tolerated(asked: Window) -> Duration {
    asked.length() / TOLERATED
}

/// What is left of a window of which this share is covered.
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
    fn a_look_covers_as_long_as_a_few_scrapes_and_never_more_than_five_minutes() {
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
    fn what_no_answer_covers_is_uncovered() {
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
    fn of_several_policies_the_one_that_was_looked_at_least_counts() {
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
