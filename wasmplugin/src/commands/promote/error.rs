//! Why nothing is enforced.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::plugin_config::PolicyName;
use thiserror::Error;

/// Why nothing is enforced.
#[derive(Debug, Error)]
pub(super) enum PromoteError {
    /// The diagnostics have been shown.
    #[error("nothing was changed: the enforced policies would not be valid: {0}")]
    InvalidWhenEnforced(String),
    #[error("nothing was changed: policy `{0}` would stay in shadow")]
    StillInShadow(PolicyName),
}

impl Fault for PromoteError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::InvalidWhenEnforced(_) => {
                "fix the problems above first, or choose rules with `--rule`"
            }
            Self::StillInShadow(_) => {
                "the `Mesh` sets `spec.defaults.enforcement: Shadow`; add `enforcement: Enforce` to the policy"
            }
        })
    }
}
