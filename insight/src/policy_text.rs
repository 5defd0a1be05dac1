//! Texts with policies that are changed.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::diagnostic::{Diagnostic, SourceText};
use policy_schema::edit::EditError;
use thiserror::Error;

/// A text cannot be changed safely.
#[derive(Debug, Error)]
#[error("`{name}` is not changed: {reason}")]
pub struct NotEditable {
    name: String,
    reason: EditError,
}

impl NotEditable {
    /// The text of this name, and why.
    pub fn new(name: &str, reason: EditError) -> Self {
        Self {
            name: name.to_owned(),
            reason,
        }
    }
}

impl Fault for NotEditable {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(
            "remove `enforcement: Shadow` there by hand, or choose what to change with `--workload` and `--rule`",
        )
    }
}

/// Texts that, once changed, are no sound policies.
#[derive(Debug)]
pub struct Unsound {
    /// The texts as they would be.
    pub texts: Vec<SourceText>,
    /// What is wrong with them.
    pub diagnostics: Vec<Diagnostic>,
}
