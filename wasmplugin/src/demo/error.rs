//! Why the demo could not be run to its end.

use peergate_fault::{ExitStatus, Fault};
use peergate_mesh::metrics::NotMetrics;
use policy_schema::plugin_config::ConfigError;
use thiserror::Error;

/// Why the demo could not be run to its end.
#[derive(Debug, Error)]
pub(crate) enum DemoError {
    /// A part of the sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] peergate_sandbox::Error),
    /// What a proxy counted cannot be read.
    #[error(transparent)]
    Metrics(#[from] NotMetrics),
    /// The documents are not valid: they were changed, or the demo was built with a broken example.
    #[error("the demo's documents are not valid: {0}")]
    Documents(String),
    /// Envoy waits for as many filters as there were.
    #[error("RBAC would need other filters than it has: start the demo again")]
    OtherFilters,
    /// The module answers otherwise than the filter.
    #[error(
        "the filter denied no call: the module is not Peergate's filter, or of another version"
    )]
    NoDecisions,
    /// A denial could not be explained, or no change allows it.
    #[error("a denial is not explained: {0}")]
    NotExplained(String),
    /// The documents' plugin config is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The filter's description could not be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A file of the demo could not be written.
    #[error("cannot write the demo's files: {0}")]
    Files(#[from] std::io::Error),
}

impl Fault for DemoError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Failure
    }

    fn help(&self) -> Option<&str> {
        None
    }
}
