//! Which revisions of a policy proxies run.

use policy_schema::telemetry::RevisionNumber;
use policy_schema::timestamp::Timestamp;

use super::counting::{self, Window, moment};
use super::coverage;
use crate::prometheus::{Prometheus, PrometheusError};
use crate::promql::REVISION;

/// Which revisions of a policy proxies run, next to that of the documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revisions {
    /// The proxies do not tell.
    Unreported,
    /// All run that of the documents, or ran it when they were last looked at, since this moment if it was not always so.
    Current {
        /// The last look at another revision; none where all ran that of the documents for all of the window.
        since: Option<Timestamp>,
    },
    /// Some run these.
    Others(Vec<String>),
}

impl Revisions {
    /// What follows of two policies that count together.
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

/// The metrics that tell the revision of the policy that these labels are of.
pub(super) fn selector(policy: &str) -> String {
    format!("{REVISION}{{{policy}}}")
}

/// Asks which revisions run of the policy that these labels are of, in PromQL.
pub(super) async fn ask(
    prometheus: &Prometheus,
    policy: &str,
    expected: RevisionNumber,
    window: Window,
) -> Result<Revisions, PrometheusError> {
    let selector = selector(policy);
    let mut running = prometheus.query(&selector, window.until).await?;
    if running.is_empty() {
        // Proxies that are not looked at now told it before, or never.
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
