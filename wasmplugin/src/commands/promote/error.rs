//! Why nothing is enforced.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::plugin_config::PolicyName;
use thiserror::Error;

/// Why nothing is enforced.
#[derive(Debug, Error)]
pub(super) enum PromoteError {
    /// The diagnostics have been shown.
    #[error("nothing is changed: enforced, the policies are not valid: {0}")]
    InvalidWhenEnforced(String),
    #[error("nothing is changed: policy `{0}` would be in shadow all the same")]
    StillInShadow(PolicyName),
}

impl Fault for PromoteError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::InvalidWhenEnforced(_) => {
                "see to what is shown above first, or choose what to change with `--rule`"
            }
            Self::StillInShadow(_) => {
                "the `Mesh` has `spec.defaults.enforcement: Shadow`; write `enforcement: Enforce` in the policy"
            }
        })
    }
}
