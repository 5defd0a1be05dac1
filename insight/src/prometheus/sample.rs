//! Samples in Prometheus responses.

use std::collections::BTreeMap;

use policy_schema::timestamp::Timestamp;

/// A sample of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The labels by name, including `__name__` if the query keeps it.
    pub labels: BTreeMap<String, String>,
    /// The value, possibly infinite or NaN.
    pub value: f64,
    /// The time of the value.
    pub at: Timestamp,
}

impl Sample {
    /// The value of a label. Empty for a missing label, as in Prometheus.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}
