//! Errors of reading certificates and rotating CAs.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Fault};
use thiserror::Error;

use super::read::ReadError;

/// Why certificates cannot be read or a CA cannot be rotated.
#[derive(Debug, Error)]
pub enum CertificatesError {
    /// A file or folder has no readable certificates.
    #[error("`{name}`: {reason}")]
    Unreadable {
        /// The name of the file or folder.
        name: String,
        /// The reason.
        reason: ReadError,
    },
    /// A file without the expected root certificate.
    #[error("`{0}` contains no certificate")]
    NoCertificate(String),
    /// A file checked with `--trusts` has no trust bundle.
    #[error("`{0}` contains no trust bundle, which `--trusts` requires")]
    NothingTrusted(String),
    /// Both CAs have the same root.
    #[error("both intermediates were issued by the same root")]
    SameRoot,
    /// Istio's CA would not start with the files in a folder, or workloads would not trust it.
    #[error("nothing was written: the CA in {} is invalid: {reason}", folder.display())]
    UnsoundAuthority {
        /// The folder.
        folder: PathBuf,
        /// The invalid file and the reason.
        reason: String,
    },
    /// The CAs have different trust domains.
    #[error("nothing was written: the current CA signs for `{from}`, the new one for `{to}`")]
    OtherTrustDomain {
        /// The SPIFFE ID of the current CA.
        from: String,
        /// The SPIFFE ID of the new CA.
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
                "use a PEM file, a Secret, or the output of a proxy's `/certs`"
            }
            Self::SameRoot => {
                "to replace an intermediate of the same root, apply its Secret directly"
            }
            Self::UnsoundAuthority { .. } => {
                "list all findings with `peergate certs read FOLDER/cacerts.yaml`"
            }
            Self::OtherTrustDomain { .. } => {
                "create the new CA for the trust domain of the mesh: otherwise no workload is trusted"
            }
        })
    }
}
