//! A proxy or Prometheus as a source of readings.

use std::time::Duration;

use peergate_fault::{ExitStatus, Fault};
use peergate_mesh::admin::{self, AdminError};
use peergate_mesh::series::NoLabels;
use policy_schema::timestamp::Timestamp;
use thiserror::Error;

use super::documents::Documents;
use super::policy_name::policy_with_label;
use super::reading::Reading;
use super::{from_prometheus, from_proxy};
use crate::policy_lookup::PolicyLookupError;
use crate::policy_selection::PolicySelection;
use crate::prometheus::{Prometheus, PrometheusError};

/// The hint to reduce the size of queries. Selecting a policy does not change the queries.
const NARROW_HELP: &str = "choose a shorter `--rate-window`, or one proxy with `--proxy`";

/// A source of readings.
#[derive(Debug)]
pub struct Source(Kind);

#[derive(Debug)]
enum Kind {
    /// A proxy by its address.
    Proxy(String),
    Prometheus {
        prometheus: Box<Prometheus>,
        /// The rate window as a PromQL duration.
        over: String,
    },
}

/// Why a reading failed.
#[derive(Debug, Error)]
pub enum SourceError {
    /// A proxy cannot be read.
    #[error("proxy {name}: {reason}")]
    Proxy {
        /// The address of the proxy.
        name: String,
        /// The error.
        reason: AdminError,
    },
    /// The server at this address is not a proxy.
    #[error("{0} does not serve metrics at `/stats/prometheus`")]
    NoMetrics(String),
    /// Prometheus cannot be read.
    #[error(transparent)]
    Prometheus(#[from] PrometheusError),
    /// The counters have no labels.
    #[error(transparent)]
    NoLabels(#[from] NoLabels),
    /// Neither the documents nor the counters have the requested policy.
    #[error(transparent)]
    UnknownPolicy(#[from] PolicyLookupError),
}

impl Fault for SourceError {
    fn status(&self) -> ExitStatus {
        match self {
            Self::Proxy { .. } | Self::NoMetrics(_) => ExitStatus::Failure,
            Self::Prometheus(reason) => reason.status(),
            Self::NoLabels(reason) => reason.status(),
            Self::UnknownPolicy(reason) => reason.status(),
        }
    }

    fn help(&self) -> Option<&str> {
        match self {
            Self::Proxy { .. } | Self::NoMetrics(_) => Some(
                "use the admin endpoint of a proxy; to reach one in a cluster, run `kubectl port-forward -n NAMESPACE POD 15000`",
            ),
            Self::Prometheus(reason) => reason.help(),
            Self::NoLabels(reason) => reason.help(),
            Self::UnknownPolicy(reason) => reason.help(),
        }
    }
}

impl Source {
    /// Creates a source from a proxy's admin endpoint, `HOST:PORT`.
    pub fn proxy(address: String) -> Self {
        Self(Kind::Proxy(address))
    }

    /// Creates a source from Prometheus, with rates over this window.
    pub fn prometheus(prometheus: Prometheus, rate_window: Duration) -> Self {
        Self(Kind::Prometheus {
            prometheus: Box::new(prometheus.with_narrow_help(NARROW_HELP)),
            over: format!("{}ms", rate_window.as_millis()),
        })
    }

    /// The name in headings.
    pub fn name(&self) -> String {
        match &self.0 {
            Kind::Proxy(address) => address.clone(),
            Kind::Prometheus { prometheus, .. } => prometheus.url().to_string(),
        }
    }

    /// Whether rates require an earlier reading.
    pub fn needs_earlier(&self) -> bool {
        matches!(self.0, Kind::Proxy(_))
    }

    /// Reads the counters. `at` is the current time.
    pub async fn read(&self, at: Timestamp) -> Result<Reading, SourceError> {
        match &self.0 {
            Kind::Proxy(address) => {
                let stats = admin::stats(address).await;
                let stats = stats.map_err(|reason| SourceError::Proxy {
                    name: address.clone(),
                    reason,
                })?;
                let text = String::from_utf8_lossy(&stats);
                let reading = from_proxy::read(&text, at);
                reading.ok_or_else(|| SourceError::NoMetrics(address.clone()))
            }
            Kind::Prometheus { prometheus, over } => {
                Ok(from_prometheus::read(prometheus, over, at).await?)
            }
        }
    }

    /// Reads the counters, with rates since an earlier reading if needed.
    pub async fn read_after(
        &self,
        earlier: &Reading,
        at: Timestamp,
    ) -> Result<Reading, SourceError> {
        let reading = self.read(at).await?;
        Ok(if self.needs_earlier() {
            reading.since(earlier)
        } else {
            reading
        })
    }

    /// Checks that counters have labels, and that the requested policy exists in the documents or the reading.
    pub fn check(
        &self,
        reading: &Reading,
        documents: Option<&Documents>,
        selection: &PolicySelection,
    ) -> Result<(), SourceError> {
        if reading.is_unlabelled && reading.decisions.is_empty() {
            return Err(NoLabels(self.name()).into());
        }
        let documented = documents.into_iter().flat_map(Documents::names).cloned();
        let counted = reading.policies();
        let counted = counted.iter().filter_map(|label| policy_with_label(label));
        selection.check(&documented.chain(counted).collect())?;
        Ok(())
    }
}
