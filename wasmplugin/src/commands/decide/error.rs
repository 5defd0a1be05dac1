//! Why a question is not answered.

use peergate_fault::{ExitStatus, Fault};
use thiserror::Error;

/// Why a question is not answered.
#[derive(Debug, Error)]
pub(super) enum QuestionError {
    /// The method and the path are not those of a request.
    #[error("{0}")]
    NoRequest(&'static str),
    /// The names are not those of one caller.
    #[error("{0}")]
    NoCaller(String),
    /// The question leaves out what the answer depends on, or no such request reaches the rules.
    #[error("{message}")]
    Unanswerable { message: String, help: String },
    /// A line of a file is no request, or is not answered.
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
            Self::NoRequest(_) => "name what the client sends with `--method` and `--path`",
            Self::NoCaller(_) => "repeat `--from` only for the names in one certificate",
            Self::Unanswerable { help, .. } => help,
            Self::InvalidRequest { .. } => {
                "correct the line; `peergate decide --help` names the fields of a request"
            }
        })
    }
}
