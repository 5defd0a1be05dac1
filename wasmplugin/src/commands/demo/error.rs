//! Why the demo does not run to its end.

use peergate_fault::{ExitStatus, Fault};
use thiserror::Error;

/// Why the demo does not run to its end.
#[derive(Debug, Error)]
pub(super) enum DemoCommandError {
    /// No filter is named, and none is next to this program.
    #[error("cannot find the filter")]
    MissingFilter,
    /// The documents were changed, or the demo was built with a broken example. The diagnostics have been shown.
    #[error("the demo's documents are not valid: {0}")]
    InvalidDocuments(String),
    /// A denial could not be explained, or no change allows it.
    #[error("cannot explain a denial: {0}")]
    NotExplained(String),
}

impl Fault for DemoCommandError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Failure
    }

    fn help(&self) -> Option<&str> {
        match self {
            Self::MissingFilter => Some(
                "build it with `make filter`, then set `--filter` or PEERGATE_FILTER; `make demo` does both",
            ),
            Self::InvalidDocuments(_) | Self::NotExplained(_) => None,
        }
    }
}
