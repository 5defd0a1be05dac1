//! Errors of the demo.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::plugin_config::ConfigError;
use thiserror::Error;

use crate::error::Error as SandboxError;

/// Why the demo failed.
#[derive(Debug, Error)]
pub enum DemoError {
    /// A part of the sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The metrics of a proxy cannot be read.
    #[error("cannot read metrics: {0}")]
    Metrics(std::io::Error),
    /// The documents no longer contain the policy of the demo's workload.
    #[error("the demo's documents are not valid: no policy {namespace}/{name}")]
    NoPolicy {
        /// The namespace of the workload.
        namespace: &'static str,
        /// The name of the policy.
        name: &'static str,
    },
    /// The changed documents need a different number of filters than Envoy expects.
    #[error("the change needs a different number of RBAC filters; restart the demo")]
    OtherFilters,
    /// The module does not respond like the filter.
    #[error(
        "the filter denied no call: the module is not Peergate's filter, or of another version"
    )]
    NoDecisions,
    /// The plugin config of the documents is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The filter config cannot be serialized.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A file cannot be written.
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
