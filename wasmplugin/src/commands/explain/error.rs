//! Why a decision is not explained, or its change not made.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::decision_id::InvalidDecisionId;
use policy_schema::timestamp::Timestamp;
use thiserror::Error;

/// Why a decision is not explained, or its change not made.
#[derive(Debug, Error)]
pub(super) enum ExplainError {
    #[error(transparent)]
    Id(InvalidDecisionId),
    #[error("this id is of no policy")]
    NoPolicy,
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
            Self::Id(reason) => help_with_id(*reason),
            Self::NoPolicy => help_with_id(InvalidDecisionId::Malformed),
            Self::Unsealed => {
                "check in the logs of the proxy who called, and add `--yes`; or seal ids with `--decision-key`"
            }
            Self::StdinNotPatchable => "name the file, or leave `--output patch` out",
            Self::UntilPast(_) => "name a time to come, or leave `--until` out for a week",
        })
    }
}

/// What to do about the id of a decision that is not taken.
fn help_with_id(reason: InvalidDecisionId) -> &'static str {
    match reason {
        InvalidDecisionId::NeedsKey => {
            "name the file with the key that the policies were rendered with: `--decision-key FILE`"
        }
        InvalidDecisionId::NotSealed => {
            "do not trust it, unless it is from a sidecar that has no key yet; then leave `--decision-key` out"
        }
        InvalidDecisionId::Malformed
        | InvalidDecisionId::UnknownVersion
        | InvalidDecisionId::BadSeal => {
            "copy all of it, from the header `x-peergate-decision` or from the log, and use the documents and the key of the same mesh"
        }
    }
}
