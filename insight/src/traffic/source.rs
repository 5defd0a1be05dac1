//! A proxy or Prometheus → readings, one after the other.

use std::collections::BTreeSet;
use std::time::Duration;

use peergate_fault::{ExitStatus, Fault};
use peergate_mesh::admin::{self, AdminError};
use peergate_mesh::series::NoLabels;
use policy_schema::plugin_config::PolicyName;
use policy_schema::timestamp::Timestamp;
use thiserror::Error;

use super::documents::Documents;
use super::policy_name::policy_name;
use super::reading::Reading;
use super::{from_prometheus, from_proxy};
use crate::policy_lookup::{self, PolicyLookupError};
use crate::prometheus::{Prometheus, PrometheusError};

/// How to ask Prometheus for less. Which policy is shown does not change what is asked.
const NARROW_HELP: &str = "ask for a shorter `--rate-window`, or look at one proxy: `--proxy`";

/// Where readings come from.
#[derive(Debug)]
pub struct Source(Kind);

#[derive(Debug)]
enum Kind {
    /// By its address.
    Proxy(String),
    Prometheus {
        prometheus: Box<Prometheus>,
        /// What rates are over, as PromQL has it.
        over: String,
    },
}

/// Why there is nothing to show.
#[derive(Debug, Error)]
pub enum SourceError {
    /// A proxy does not answer, or not as one.
    #[error("proxy {name}: {reason}")]
    Proxy {
        /// The proxy's address.
        name: String,
        /// What went wrong.
        reason: AdminError,
    },
    /// What answers at this address is no proxy.
    #[error("proxy {0} says something else than metrics at `/stats/prometheus`")]
    NoMetrics(String),
    /// Prometheus does not answer, or not what it is asked.
    #[error(transparent)]
    Prometheus(#[from] PrometheusError),
    /// What is counted does not say what it is about.
    #[error(transparent)]
    NoLabels(#[from] NoLabels),
    /// Neither the documents nor the counters know the policy that is asked for.
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
                "name the admin endpoint of a proxy; one in a cluster is reached by `kubectl port-forward -n NAMESPACE POD 15000`",
            ),
            Self::Prometheus(reason) => reason.help(),
            Self::NoLabels(reason) => reason.help(),
            Self::UnknownPolicy(reason) => reason.help(),
        }
    }
}

impl Source {
    /// The proxy whose admin endpoint is at this `HOST:PORT`.
    pub fn proxy(address: String) -> Self {
        Self(Kind::Proxy(address))
    }

    /// All proxies that Prometheus scrapes, with rates over this long.
    pub fn prometheus(prometheus: Prometheus, rate_window: Duration) -> Self {
        Self(Kind::Prometheus {
            prometheus: Box::new(prometheus.with_narrow_help(NARROW_HELP)),
            over: format!("{}ms", rate_window.as_millis()),
        })
    }

    /// What it is called in a heading.
    pub fn name(&self) -> String {
        match &self.0 {
            Kind::Proxy(address) => address.clone(),
            Kind::Prometheus { prometheus, .. } => prometheus.url().to_string(),
        }
    }

    /// Whether a reading has rates only after an earlier one.
    pub fn needs_earlier(&self) -> bool {
        matches!(self.0, Kind::Proxy(_))
    }

    /// What was counted until now, which is `at`.
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

    /// The same, with rates since an earlier reading where it has none by itself.
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

    /// Sees to it that its reading can be shown, and that the documents or the reading know the policy that is wanted.
    pub fn check(
        &self,
        reading: &Reading,
        documents: Option<&Documents>,
        wanted: Option<&PolicyName>,
    ) -> Result<(), SourceError> {
        if reading.is_unlabelled && reading.decisions.is_empty() {
            return Err(NoLabels(self.name()).into());
        }
        if let Some(wanted) = wanted {
            let documented = documents.into_iter().flat_map(Documents::names);
            let documented = documented.map(PolicyName::to_string);
            let counted = reading.policies().into_iter().map(policy_name);
            let known: BTreeSet<_> = documented.chain(counted).collect();
            policy_lookup::check_known(&wanted.to_string(), &known)?;
        }
        Ok(())
    }
}
