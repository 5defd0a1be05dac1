//! Prometheus → the series of the filter's learning mode.

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

/// How finely the window is looked at for when something was seen: this many parts.
const PARTS: u64 = 100;

/// A span of time that ends now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    seconds: u64,
}

/// The labels of a series, and what it counted.
pub type Series = (BTreeMap<String, String>, Tally);

impl Window {
    /// As people write it.
    pub fn text(self) -> String {
        time_span::text(Duration::from_secs(self.seconds))
    }

    /// Reads a stretch of time in whole seconds.
    pub fn parse(text: &str) -> Result<Self, String> {
        match time_span::parse(text)?.as_secs() {
            seconds @ 60..=1_000_000_000 => Ok(Self { seconds }),
            _ => Err("a window is at least a minute long, and at most 30 years".to_owned()),
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.seconds)
    }
}

/// What is asked, so that the answers have the same labels.
struct Queries {
    /// How much each series grew.
    count: String,
    /// The first moment at which it had grown.
    first: String,
    /// The last one.
    last: String,
    /// How far the moments are apart that were looked at.
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
        let step = (window.seconds / PARTS).max(1);
        // `increase` does not see what a series begins with.
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

/// A text, as queries have it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

/// Whether anything was counted in the learning mode in the window before `at`.
pub async fn is_known(
    prometheus: &Prometheus,
    window: Window,
    at: Timestamp,
) -> Result<bool, PrometheusError> {
    let query = format!("group(present_over_time({OBSERVED}[{window}]))");
    Ok(!prometheus.query(&query, at).await?.is_empty())
}

/// All series that grew in the window before `at`, of one policy or of all.
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
            // What grew by extrapolation alone did not grow.
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
                // It came and went between two moments.
                _ => Period {
                    first: at,
                    last: at,
                },
            };
            Some((labels, Tally { count, period }))
        })
        .collect();
    // A server has no order of its own.
    series.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(series)
}

fn by_labels(samples: Vec<Sample>) -> BTreeMap<BTreeMap<String, String>, f64> {
    let samples = samples.into_iter();
    samples
        .map(|sample| (sample.labels, sample.value))
        .collect()
}

/// A time in seconds.
fn nanoseconds(seconds: f64) -> Option<u64> {
    whole(seconds.trunc())?.checked_mul(SECOND)
}

/// A number that is whole already.
fn whole(value: f64) -> Option<u64> {
    // Beyond this a number of this kind does not count by ones.
    const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;
    if !(0.0..=MAX_EXACT_INTEGER).contains(&value) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole, positive and in range"
    )]
    Some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_spans_of_time() {
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
    fn a_policy_is_asked_for_by_its_label() {
        let policy = PolicyName {
            namespace: "shop".to_owned(),
            name: "cart.v2\"".to_owned(),
        };
        let queries = Queries::new(Window { seconds: 3600 }, Some(&policy));
        let selector = r#"peergate_observed_requests_total{peergate_policy="shop_cart_v2\""}"#;
        assert!(queries.count.contains(selector), "{}", queries.count);
    }
}
