//! Why a decision is not explained, or its change not written.

use peergate_fault::{ExitStatus, Fault};
use peergate_report::pages;
use policy_schema::timestamp::Timestamp;
use thiserror::Error;

/// Why a decision is not explained, or its change not written.
#[derive(Debug, Error)]
pub(super) enum ExplainError {
    #[error("nothing was written: the decision ID is not sealed, so anyone may have made it up")]
    Unsealed,
    #[error("a patch for stdin cannot be applied")]
    StdinNotPatchable,
    #[error("`--until {0}` is in the past")]
    UntilPast(Timestamp),
    #[error("unknown code `{subject}`")]
    NoDocuments { subject: String, help: String },
}

impl ExplainError {
    /// For a subject that is no code, without documents.
    pub(super) fn no_documents(subject: &str) -> Self {
        let help = match pages::closest_code(subject) {
            Some(code) => format!("did you mean `{code}`? to explain a decision ID, add the policy documents"),
            None => "to explain a decision ID, add the policy documents: `peergate explain ID policies/`".to_owned(),
        };
        Self::NoDocuments {
            subject: subject.to_owned(),
            help,
        }
    }
}

impl Fault for ExplainError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::Unsealed => {
                "check in the proxy's logs who called, then add `--yes`; or seal IDs with `--decision-key`"
            }
            Self::StdinNotPatchable => "use a file, or another `--output`",
            Self::UntilPast(_) => "use a time in the future, or remove `--until` for one week",
            Self::NoDocuments { help, .. } => help,
        })
    }
}
