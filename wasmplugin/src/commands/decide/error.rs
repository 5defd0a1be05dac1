//! Why a question is not answered.

use peergate_fault::{ExitStatus, Fault};
use thiserror::Error;

/// Why a question is not answered.
#[derive(Debug, Error)]
pub(super) enum QuestionError {
    /// What is wrong with a question, and how to ask it.
    #[error("{message}")]
    InvalidQuestion { message: String, help: String },
    #[error("{file}:{line}:{column}: {message}")]
    InvalidRequest {
        file: String,
        line: usize,
        column: usize,
        message: String,
    },
}

impl Fault for QuestionError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::InvalidQuestion { help, .. } => help,
            Self::InvalidRequest { .. } => {
                "correct the line; `peergate decide --help` names the fields of a request"
            }
        })
    }
}
