//! What a proxy says at `/stats/prometheus` → the series of the filter's metrics.

use std::collections::BTreeMap;

use peergate_fault::{ExitStatus, Fault};
use policy_schema::telemetry::metric::Metric;
use prometheus_parse::{Sample, Value};
use thiserror::Error;

use crate::metrics::Metrics;

/// A series of the filter's.
#[derive(Debug)]
pub struct Series {
    /// By the labels' names.
    labels: BTreeMap<&'static str, String>,
    /// The value; finite.
    pub number: f64,
}

impl Series {
    /// The value of a label, which is empty where there is none.
    pub fn label(&self, name: &str) -> String {
        self.labels.get(name).cloned().unwrap_or_default()
    }
}

/// Metrics of proxies that are not configured with the filter's tags, with who has them.
#[derive(Debug, Error)]
#[error(
    "{0} has counters of the filter, and no labels: all that they are about stands in their names"
)]
pub struct NoLabels(pub String);

impl Fault for NoLabels {
    fn status(&self) -> ExitStatus {
        ExitStatus::Failure
    }

    fn help(&self) -> Option<&str> {
        Some(
            "tell the proxies the tags, or have Prometheus take labels out of flat names: docs/metrics.md, \"Get labels\"",
        )
    }
}

/// Reads Prometheus' text format; none if a text is something else.
pub fn scrape(text: &str) -> Option<Metrics> {
    let metrics = Metrics::parse(text).ok()?;
    // The parser passes over what it does not understand.
    let mut lines = text.lines().map(str::trim);
    let has_more_than_comments = lines.any(|line| !line.is_empty() && !line.starts_with('#'));
    (!has_more_than_comments || metrics.all().next().is_some()).then_some(metrics)
}

/// The series of a metric, whether its labels stand beside its name or in it.
pub fn series(metrics: &Metrics, metric: &'static Metric) -> impl Iterator<Item = Series> {
    metrics.all().filter_map(move |sample| {
        let tags = metric.labels.iter().map(|label| label.tag());
        let labels = if sample.metric == metric.name {
            let value = |tag| sample.labels.get(tag).unwrap_or_default().to_owned();
            tags.map(|tag| (tag, value(tag))).collect()
        } else {
            tags.zip(metric.flat_values(&sample.metric)?).collect()
        };
        Some(Series {
            labels,
            number: number(sample)?,
        })
    })
}

/// The value of a sample; none for what is not a finite number.
pub(crate) fn number(sample: &Sample) -> Option<f64> {
    match sample.value {
        Value::Counter(number) | Value::Gauge(number) | Value::Untyped(number) => {
            Some(number).filter(|number| number.is_finite())
        }
        Value::Histogram(_) | Value::Summary(_) => None,
    }
}
