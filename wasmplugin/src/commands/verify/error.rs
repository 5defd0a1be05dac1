//! Why a mesh is not inspected.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::verify::NotAConfigDump;
use thiserror::Error;

use crate::input::InputError;

/// Why a mesh is not inspected.
#[derive(Debug, Error)]
pub(super) enum VerifyError {
    #[error("`{name}` is not a proxy's `/config_dump`: {reason}")]
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
            "save one with `curl -s localhost:15000/config_dump`, or use the admin endpoint: `http://localhost:15000`",
        )
    }
}
