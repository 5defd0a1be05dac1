//! Why a mesh is not looked at.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::verify::NotAConfigDump;
use thiserror::Error;

use crate::input::InputError;

/// Why a mesh is not looked at.
#[derive(Debug, Error)]
pub(super) enum VerifyError {
    #[error("`{name}` is not what a proxy says at `/config_dump`: {reason}")]
    NoConfigDump {
        name: String,
        reason: NotAConfigDump,
    },
    #[error(transparent)]
    Unread(InputError),
}

impl Fault for VerifyError {
    fn status(&self) -> ExitStatus {
        match self {
            Self::NoConfigDump { .. } => ExitStatus::Invalid,
            Self::Unread(reason) => reason.status(),
        }
    }

    fn help(&self) -> Option<&str> {
        Some(
            "save it with `curl -s localhost:15000/config_dump`, or name the admin endpoint: `http://localhost:15000`",
        )
    }
}
