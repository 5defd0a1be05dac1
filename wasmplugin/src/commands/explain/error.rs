//! Why an explanation is not given as asked, or its change not made.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::timestamp::Timestamp;
use thiserror::Error;

/// Why an explanation is not given as asked, or its change not made.
#[derive(Debug, Error)]
pub(super) enum ExplainError {
    #[error("nothing is written: the id is not sealed with a key, so anyone may have made it up")]
    Unsealed,
    #[error("a patch of stdin applies to nothing")]
    StdinNotPatchable,
    #[error("`--until {0}` is past already, and so would be the rule")]
    UntilPast(Timestamp),
}

impl Fault for ExplainError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::Unsealed => {
                "check in the logs of the proxy who called, and add `--yes`; or seal ids with `--decision-key`"
            }
            Self::StdinNotPatchable => "name the file, or leave `--output patch` out",
            Self::UntilPast(_) => "name a time to come, or leave `--until` out for a week",
        })
    }
}
