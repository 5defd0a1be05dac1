//! What counters counted of something that should not happen.

use std::collections::BTreeMap;

use policy_schema::telemetry::plain_value;

use super::counting::{self, Window};
use crate::prometheus::{Prometheus, PrometheusError, Sample};
use crate::promql::{REASON, RULE};

/// What a counter counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    /// Between samples at it.
    seen: u64,
    /// Before the first look.
    pub(super) before: u64,
}

impl Counted {
    /// All of it.
    pub(super) fn all(self) -> u64 {
        self.seen.saturating_add(self.before)
    }
}

/// What counters counted, by labels as they are meant. Of something that should not happen, none is left out.
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

/// Labels as they are meant, however the proxies name their metrics.
fn plain(mut labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    for name in [RULE, REASON] {
        if let Some(value) = labels.get_mut(name) {
            *value = plain_value(value);
        }
    }
    labels
}

/// Less than this is the noise of adding and not a part of a request.
const NOISE: f64 = 1e-6;

/// A number of requests of which no more are claimed than there were.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is beyond the bounds becomes the bound"
)]
pub(super) fn at_least(number: f64) -> u64 {
    (number + NOISE).floor() as u64
}

/// A number of requests of which none is left out.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is beyond the bounds becomes the bound"
)]
fn at_most(number: f64) -> u64 {
    (number - NOISE).ceil() as u64
}
