//! A sample of a series, as a Prometheus answers a query.

use std::collections::BTreeMap;

use policy_schema::timestamp::Timestamp;

/// One value of a series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    /// By their names. `__name__` is among them where the query keeps the metric's name.
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
    /// The moment that the value is for.
    pub(crate) at: Timestamp,
}

impl Sample {
    /// The value of a label; empty where there is no such label, which is the same to Prometheus.
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}
