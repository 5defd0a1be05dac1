//! Queries the series of the filter's learning mode.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use policy_schema::plugin_config::PolicyName;
use policy_schema::telemetry::PolicyLabel;
use policy_schema::time_span;
use policy_schema::timestamp::Timestamp;

use super::counters::LABELS;
use super::observed::{Period, Tally};
use crate::prometheus::{Prometheus, PrometheusError, Sample};
use crate::promql::{OBSERVED, POLICY};

const SECOND: u64 = 1_000_000_000;

/// The number of steps in the window, which determines the accuracy of times.
const STEPS: u64 = 100;

/// A time window that ends now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    seconds: u64,
}

/// The labels and the tally of a series.
pub type Series = (BTreeMap<String, String>, Tally);

impl Window {
    /// Formats the window as on the command line.
    pub fn text(self) -> String {
        time_span::text(Duration::from_secs(self.seconds))
    }

    /// Parses a duration in whole seconds.
    pub fn parse(text: &str) -> Result<Self, String> {
        match time_span::parse(text)?.as_secs() {
            seconds @ 60..=1_000_000_000 => Ok(Self { seconds }),
            _ => Err("a window must be between 1 minute and 30 years".to_owned()),
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.seconds)
    }
}

/// The queries, whose results have the same labels.
struct Queries {
    /// The increase of each series.
    count: String,
    /// The first time with an increase.
    first: String,
    /// The last time with an increase.
    last: String,
    /// The step between times.
    step: u64,
}

impl Queries {
    fn new(window: Window, policy: Option<&PolicyName>) -> Self {
        let labels = LABELS.join(", ");
        let selector = policy.map_or_else(
            || OBSERVED.to_owned(),
            |policy| {
                let label = PolicyLabel::from(policy);
                format!("{OBSERVED}{{{POLICY}={}}}", quoted(label.as_str()))
            },
        );
        let step = (window.seconds / STEPS).max(1);
        // `increase` ignores the first value of a series.
        let born =
            format!("(min_over_time({selector}[{window}]) unless {selector} offset {window})");
        let grown = format!("increase({selector}[{window}])");
        let moments = format!(
            "(timestamp({selector} unless ({selector} == {selector} offset {step}s)))[{window}:{step}s]"
        );
        Self {
            count: format!("sum by ({labels}) (({grown} + {born}) or {grown} or {born})"),
            first: format!("min by ({labels}) (min_over_time({moments}))"),
            last: format!("max by ({labels}) (max_over_time({moments}))"),
            step,
        }
    }
}

/// Quotes a string for PromQL.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

/// Whether the learning mode counted anything in the window before `at`.
pub async fn has_series(
    prometheus: &Prometheus,
    window: Window,
    at: Timestamp,
) -> Result<bool, PrometheusError> {
    let query = format!("group(present_over_time({OBSERVED}[{window}]))");
    Ok(!prometheus.query(&query, at).await?.is_empty())
}

/// Queries all series with an increase in the window before `at`, of one policy or of all.
pub async fn ask(
    prometheus: &Prometheus,
    window: Window,
    policy: Option<&PolicyName>,
    at: Timestamp,
) -> Result<Vec<Series>, PrometheusError> {
    let queries = Queries::new(window, policy);
    let counts = prometheus.query(&queries.count, at).await?;
    let firsts = by_labels(prometheus.query(&queries.first, at).await?);
    let lasts = by_labels(prometheus.query(&queries.last, at).await?);
    let mut series: Vec<Series> = counts
        .into_iter()
        .filter_map(|Sample { labels, value, .. }| {
            // Drops series that only grew by extrapolation.
            let count = whole(value.round()).filter(|count| *count > 0)?;
            let moment =
                |moments: &BTreeMap<_, _>| moments.get(&labels).copied().and_then(nanoseconds);
            let period = match (moment(&firsts), moment(&lasts)) {
                (Some(first), Some(last)) => Period {
                    first: Timestamp::from_unix_nanoseconds(
                        first.saturating_sub(queries.step.saturating_mul(SECOND)),
                    ),
                    last: Timestamp::from_unix_nanoseconds(last),
                },
                // The series only existed between two steps.
                _ => Period {
                    first: at,
                    last: at,
                },
            };
            Some((labels, Tally { count, period }))
        })
        .collect();
    // Prometheus does not guarantee an order.
    series.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(series)
}

fn by_labels(samples: Vec<Sample>) -> BTreeMap<BTreeMap<String, String>, f64> {
    let samples = samples.into_iter();
    samples
        .map(|sample| (sample.labels, sample.value))
        .collect()
}

/// Converts seconds to nanoseconds.
fn nanoseconds(seconds: f64) -> Option<u64> {
    whole(seconds.trunc())?.checked_mul(SECOND)
}

/// Converts an integral number.
fn whole(value: f64) -> Option<u64> {
    // The largest range of consecutive integers in an `f64`.
    const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;
    if !(0.0..=MAX_EXACT_INTEGER).contains(&value) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is integral, positive and in range"
    )]
    Some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_windows() {
        for (text, seconds) in [
            ("7d", 604_800),
            ("1m", 60),
            ("2w", 1_209_600),
            ("90m", 5400),
        ] {
            assert_eq!(Window::parse(text), Ok(Window { seconds }));
        }
        for text in [
            "",
            "7",
            "d",
            "7 d",
            "-7d",
            "7y",
            "1s",
            "1.5h",
            "99999999999w",
        ] {
            assert!(Window::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn queries_a_policy_by_its_label() {
        let policy = PolicyName {
            namespace: "shop".to_owned(),
            name: "cart.v2\"".to_owned(),
        };
        let queries = Queries::new(Window { seconds: 3600 }, Some(&policy));
        let selector = r#"peergate_observed_requests_total{peergate_policy="shop_cart_v2\""}"#;
        assert!(queries.count.contains(selector), "{}", queries.count);
    }
}
