//! Why the demo could not be run to its end.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::plugin_config::ConfigError;
use thiserror::Error;

use crate::error::Error as SandboxError;

/// Why the demo could not be run to its end.
#[derive(Debug, Error)]
pub enum DemoError {
    /// A part of the sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// What a proxy counted cannot be read.
    #[error("reading metrics: {0}")]
    Metrics(std::io::Error),
    /// The documents have lost the policy of the workload behind the filter.
    #[error("the demo's documents are not valid: no policy {namespace}/{name}")]
    NoPolicy {
        /// The workload's namespace.
        namespace: &'static str,
        /// The policy's name.
        name: &'static str,
    },
    /// The changed documents need more or fewer filters, and Envoy waits for as many as there were.
    #[error("RBAC would need other filters than it has: start the demo again")]
    OtherFilters,
    /// The module answers otherwise than the filter.
    #[error(
        "the filter denied no call: the module is not Peergate's filter, or of another version"
    )]
    NoDecisions,
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
