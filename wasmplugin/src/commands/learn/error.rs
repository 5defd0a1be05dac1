//! Why nothing is learned.

use peergate_fault::{ExitStatus, Fault};
use thiserror::Error;

/// Why nothing is learned.
#[derive(Debug, Error)]
pub(super) enum LearnError {
    /// What is wrong with what would be written has been shown.
    #[error("nothing is written: what was learned is not accepted: {0}")]
    NotLearnt(String),
    /// The same.
    #[error("nothing is written: what was learned is not accepted: {0}")]
    LearntWithoutService(String),
}

impl Fault for LearnError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::NotLearnt(_) => {
                "see whether the log is of this mesh, then leave out what is named above, or write the rules by hand"
            }
            Self::LearntWithoutService(_) => {
                "name the service's port with `--service-port`, or write the policy by hand"
            }
        })
    }
}
