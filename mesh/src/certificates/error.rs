//! Why certificates are not read, or an authority not replaced.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Fault};
use thiserror::Error;

use super::read::ReadError;

/// Why certificates are not read, or an authority not replaced.
#[derive(Debug, Error)]
pub enum CertificatesError {
    /// A file or folder has no certificates that can be read.
    #[error("`{name}`: {reason}")]
    Unreadable {
        /// The name of the file or folder.
        name: String,
        /// Why not.
        reason: ReadError,
    },
    /// A file that is to have a root has no certificate.
    #[error("`{0}`: it has no certificate")]
    NoCertificate(String),
    /// A file was asked whether it trusts a root, and says nothing of whom it trusts.
    #[error("`{0}`: it does not say what is trusted, which `--trusts` asks")]
    NothingTrusted(String),
    /// The authorities to be rotated have the same root.
    #[error("both are of the same root")]
    SameRoot,
    /// Istio's CA would not start with the authority in a folder, or workloads would not trust it.
    #[error("nothing is written: what is in {}: {reason}", folder.display())]
    UnsoundAuthority {
        /// Where it is.
        folder: PathBuf,
        /// Which file is unsound, and why.
        reason: String,
    },
    /// The authorities to be rotated are for different trust domains.
    #[error("nothing is written: `{from}` signs now, and `{to}` is another trust domain")]
    OtherTrustDomain {
        /// The SPIFFE ID of the authority in force.
        from: String,
        /// The SPIFFE ID of the one to come.
        to: String,
    },
}

impl Fault for CertificatesError {
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
