//! Parses Envoy's metrics in Prometheus' text format.

use std::io;

use prometheus_parse::{Sample, Scrape, Value};
use thiserror::Error;

/// A scrape.
///
/// The underlying parser splits labels at commas and equals signs, even inside quotes, and misreads values with these
/// characters. Peergate's values do not contain them.
#[derive(Debug)]
pub struct Metrics {
    samples: Vec<Sample>,
}

/// The text is not in Prometheus' text format.
#[derive(Debug, Error)]
#[error("cannot read metrics: {0}")]
pub struct NotMetrics(io::Error);

impl Metrics {
    /// Parses Prometheus' text format.
    pub fn parse(text: &str) -> Result<Self, NotMetrics> {
        // Envoy writes `name{} 1` without labels, which the parser skips.
        let lines = text.lines().map(|line| Ok(line.replacen("{} ", " ", 1)));
        let scrape = Scrape::parse(lines).map_err(NotMetrics)?;
        Ok(Self {
            samples: scrape.samples,
        })
    }

    /// All samples, in order.
    pub fn all(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter()
    }

    /// All samples of the metric `name`.
    pub fn samples(&self, name: &str) -> impl Iterator<Item = &Sample> {
        self.samples
            .iter()
            .filter(move |sample| sample.metric == name)
    }

    /// The sum of the samples of `name` that have at least `labels`. `None` without such samples, or for a histogram.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.samples(name)
            .filter(|sample| {
                labels
                    .iter()
                    .all(|(label, value)| sample.labels.get(label) == Some(value))
            })
            .filter_map(|sample| match sample.value {
                Value::Counter(number) | Value::Gauge(number) | Value::Untyped(number) => {
                    Some(number)
                }
                Value::Histogram(_) | Value::Summary(_) => None,
            })
            .reduce(|sum, number| sum + number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRAPE: &str = r#"# TYPE decisions_total counter
decisions_total{decision="allow",rule="web.v1"} 3
decisions_total{decision="allow",rule="jobs.v1"} 4
decisions_total{decision="deny",rule="none"} 5

# TYPE envoy_server_live gauge
envoy_server_live{} 1
"#;

    #[test]
    fn sums_samples_with_the_labels() {
        let metrics = Metrics::parse(SCRAPE).unwrap();
        let decisions = |labels| metrics.value("decisions_total", labels);
        assert_eq!(decisions(&[]), Some(12.0));
        assert_eq!(decisions(&[("decision", "allow")]), Some(7.0));
        assert_eq!(
            decisions(&[("decision", "allow"), ("rule", "jobs.v1")]),
            Some(4.0)
        );
        assert_eq!(decisions(&[("decision", "audit")]), None);
        assert_eq!(metrics.value("envoy_server_live", &[]), Some(1.0));
        assert_eq!(metrics.value("envoy_server", &[]), None);
    }
}
