//! Why nothing is learned.

use peergate_fault::{ExitStatus, Fault};
use thiserror::Error;

/// Why nothing is learned.
#[derive(Debug, Error)]
pub(super) enum LearnError {
    /// The diagnostics have been shown.
    #[error("the learned policy does not validate, so nothing was written: {0}")]
    NotLearnt(String),
    /// The same, because the policy declares no service.
    #[error("the learned policy does not validate, so nothing was written: {0}")]
    LearntWithoutService(String),
}

impl Fault for LearnError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::NotLearnt(_) => {
                "check that the log is from this mesh; then remove the requests named above from it, or write the rules by hand"
            }
            Self::LearntWithoutService(_) => {
                "declare the service's port with `--service-port`, or write the policy by hand"
            }
        })
    }
}
