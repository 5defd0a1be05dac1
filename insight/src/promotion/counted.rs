//! Counts of unwanted events, rounded up.

use std::collections::BTreeMap;

use policy_schema::telemetry::plain_value;

use super::counting::{self, Window};
use crate::prometheus::{Prometheus, PrometheusError, Sample};
use crate::promql::{REASON, RULE};

/// The increase of a counter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    /// Between samples.
    seen: u64,
    /// Before the first sample.
    pub(super) before: u64,
}

impl Counted {
    /// The total.
    pub(super) fn all(self) -> u64 {
        self.seen.saturating_add(self.before)
    }
}

/// Counts by decoded labels, rounded up so that no unwanted event is missed.
pub(super) async fn counted(
    prometheus: &Prometheus,
    selector: &str,
    labels: &[&str],
    window: Window,
) -> Result<BTreeMap<BTreeMap<String, String>, Counted>, PrometheusError> {
    let mut counted: BTreeMap<_, Counted> = BTreeMap::new();
    let by = |query: String| counting::sum_by(labels, &query);
    let increase = by(counting::increase(selector, window));
    for Sample { labels, value, .. } in prometheus.query(&increase, window.until).await? {
        counted.entry(plain(labels)).or_default().seen += at_most(value);
    }
    let before = by(counting::counted_before(selector, window));
    for Sample { labels, value, .. } in prometheus.query(&before, window.until).await? {
        counted.entry(plain(labels)).or_default().before += at_most(value);
    }
    Ok(counted)
}

/// Decodes labels in either encoding of metric tags.
fn plain(mut labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    for name in [RULE, REASON] {
        if let Some(value) = labels.get_mut(name) {
            *value = plain_value(value);
        }
    }
    labels
}

/// Smaller fractions are floating-point noise.
const NOISE: f64 = 1e-6;

/// Rounds a number of requests down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates"
)]
pub(super) fn at_least(number: f64) -> u64 {
    (number + NOISE).floor() as u64
}

/// Rounds a number of requests up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates"
)]
fn at_most(number: f64) -> u64 {
    (number - NOISE).ceil() as u64
}
