//! Why certificates are not read, or an authority not replaced.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Fault};
use thiserror::Error;

use crate::certificates::read::ReadError;

/// Why certificates are not read, or an authority not replaced.
#[derive(Debug, Error)]
pub(super) enum CertsError {
    #[error("`{name}`: {reason}")]
    Unreadable { name: String, reason: ReadError },
    #[error("`{0}`: it has no certificate")]
    NoCertificate(String),
    #[error("`{0}`: it does not say what is trusted, which `--trusts` asks")]
    NothingTrusted(String),
    #[error("both are of the same root")]
    SameRoot,
    #[error("nothing is written: what is in {}: {reason}", folder.display())]
    UnsoundAuthority { folder: PathBuf, reason: String },
    #[error("nothing is written: `{from}` signs now, and `{to}` is another trust domain")]
    OtherTrustDomain { from: String, to: String },
}

impl Fault for CertsError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::Unreadable { .. } | Self::NoCertificate(_) | Self::NothingTrusted(_) => {
                "name a PEM file, a Secret, or what a proxy says at `/certs`"
            }
            Self::SameRoot => {
                "an intermediate of the same root takes the place of another by its own Secret alone"
            }
            Self::UnsoundAuthority { .. } => {
                "see all that is wrong with `peergate certs read FOLDER/cacerts.yaml`"
            }
            Self::OtherTrustDomain { .. } => {
                "make the new authority for the trust domain of the mesh: no workload would be known under another"
            }
        })
    }
}
