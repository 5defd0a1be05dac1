//! The revisions of a policy that proxies run.

use policy_schema::telemetry::RevisionNumber;
use policy_schema::timestamp::Timestamp;

use super::counting::{self, Window, moment};
use super::coverage;
use crate::prometheus::{Prometheus, PrometheusError};
use crate::promql::REVISION;

/// The revisions that proxies run, compared with the documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revisions {
    /// The proxies do not report revisions.
    Unreported,
    /// Every last sample has the revision of the documents.
    Current {
        /// The last sample of another revision, if there is one in the window.
        since: Option<Timestamp>,
    },
    /// Some proxies run these revisions.
    Others(Vec<String>),
}

impl Revisions {
    /// Combines the revisions of two policies that are judged together.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unreported, revisions) | (revisions, Self::Unreported) => revisions,
            (Self::Others(mut running), Self::Others(more)) => {
                running.extend(more);
                Self::Others(running)
            }
            (Self::Others(running), Self::Current { .. })
            | (Self::Current { .. }, Self::Others(running)) => Self::Others(running),
            (Self::Current { since }, Self::Current { since: other }) => Self::Current {
                since: since.max(other),
            },
        }
    }
}

/// The selector of the revision metric of the policy with these labels.
pub(super) fn selector(policy: &str) -> String {
    format!("{REVISION}{{{policy}}}")
}

/// Queries the revisions of the policy with these labels.
pub(super) async fn ask(
    prometheus: &Prometheus,
    policy: &str,
    expected: RevisionNumber,
    window: Window,
) -> Result<Revisions, PrometheusError> {
    let selector = selector(policy);
    let mut running = prometheus.query(&selector, window.until).await?;
    if running.is_empty() {
        // Proxies without a current sample reported it earlier, or never.
        let series_count = counting::series_count(&selector, window);
        if prometheus
            .query(&series_count, window.until)
            .await?
            .is_empty()
        {
            return Ok(Revisions::Unreported);
        }
        let last = coverage::last_sample(prometheus, &selector, window).await?;
        running = prometheus.query(&selector, last).await?;
    }
    let values = running.iter().map(|sample| sample.value);
    let others = values.filter(|value| RevisionNumber::from_sample(*value) != Some(expected));
    let mut others: Vec<_> = others.map(RevisionNumber::sample_text).collect();
    others.sort();
    others.dedup();
    if !others.is_empty() {
        return Ok(Revisions::Others(others));
    }
    let query = counting::last_different(&selector, expected.get(), window);
    let last = prometheus.query(&query, window.until).await?;
    Ok(Revisions::Current {
        since: last.first().and_then(|sample| moment(sample.value)),
    })
}
