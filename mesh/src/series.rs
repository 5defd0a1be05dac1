//! Parses the series of the filter's metrics from `/stats/prometheus`.

use std::collections::BTreeMap;

use peergate_fault::{ExitStatus, Fault};
use policy_schema::telemetry::metric::Metric;
use prometheus_parse::{Sample, Value};
use thiserror::Error;

use crate::metrics::Metrics;

/// A series of a filter metric.
#[derive(Debug)]
pub struct Series {
    /// The labels by name.
    labels: BTreeMap<&'static str, String>,
    /// The value, always finite.
    pub number: f64,
}

impl Series {
    /// The value of a label. Empty for a missing label.
    pub fn label(&self, name: &str) -> String {
        self.labels.get(name).cloned().unwrap_or_default()
    }
}

/// The proxy has filter metrics, but is not configured with the filter's tags.
#[derive(Debug, Error)]
#[error("{0} has filter counters without labels: the labels are flattened into their names")]
pub struct NoLabels(pub String);

impl Fault for NoLabels {
    fn status(&self) -> ExitStatus {
        ExitStatus::Failure
    }

    fn help(&self) -> Option<&str> {
        Some(
            "configure the tags in the proxies, or relabel in Prometheus: see docs/metrics.md, \"Get labels\"",
        )
    }
}

/// Parses Prometheus' text format. None for other texts.
pub fn scrape(text: &str) -> Option<Metrics> {
    let metrics = Metrics::parse(text).ok()?;
    // The parser silently skips invalid lines.
    let mut lines = text.lines().map(str::trim);
    let has_more_than_comments = lines.any(|line| !line.is_empty() && !line.starts_with('#'));
    (!has_more_than_comments || metrics.all().next().is_some()).then_some(metrics)
}

/// The series of a metric, with labels or with labels flattened into its name.
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

/// The value of a sample. None if it is not finite.
pub(crate) fn number(sample: &Sample) -> Option<f64> {
    match sample.value {
        Value::Counter(number) | Value::Gauge(number) | Value::Untyped(number) => {
            Some(number).filter(|number| number.is_finite())
        }
        Value::Histogram(_) | Value::Summary(_) => None,
    }
}
