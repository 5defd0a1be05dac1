//! A sample of a series, as a Prometheus answers a query.

use std::collections::BTreeMap;

use policy_schema::timestamp::Timestamp;

/// One value of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// By their names. `__name__` is among them where the query keeps the metric's name.
    pub labels: BTreeMap<String, String>,
    /// May be infinite or not a number.
    pub value: f64,
    /// The moment that the value is for.
    pub at: Timestamp,
}

impl Sample {
    /// The value of a label; empty where there is no such label, which is the same to Prometheus.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}
