//! The async runtime and the trusted authorities for connections, and their errors.

use std::error::Error;
use std::io;

use peergate_fault::{ExitStatus, Fault};
use rustls::CertificateError;
use thiserror::Error;

/// The runtime that waits for answers cannot start.
#[derive(Debug, Error)]
#[error("cannot start: {0}")]
pub struct CannotStart(io::Error);

impl Fault for CannotStart {
    fn status(&self) -> ExitStatus {
        ExitStatus::Failure
    }

    fn help(&self) -> Option<&str> {
        None
    }
}

/// A file without a usable certificate of an authority.
#[derive(Debug, Error)]
#[error("`{name}` has no certificate in PEM: {reason}")]
pub struct InvalidAuthorities {
    name: String,
    reason: String,
}

impl Fault for InvalidAuthorities {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some("name a PEM file with the authority's certificate, and no key")
    }
}

/// Runs what waits for others to its end.
pub fn block_on<F: Future>(work: F) -> Result<F::Output, CannotStart> {
    choose_cryptography();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CannotStart)?;
    Ok(runtime.block_on(work))
}

/// Chooses who does the cryptography of TLS, which nobody does by default.
pub fn choose_cryptography() {
    // Somebody else may have chosen one for the process, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Why others could not be talked to: what is behind a failure tells it, and mostly that alone.
pub fn told(failure: &(dyn Error + 'static)) -> String {
    if is_authority_unknown(failure) {
        return "its certificate is of an authority that is not known here".to_owned();
    }
    let mut deepest = failure;
    while let Some(next) = deepest.source() {
        deepest = next;
    }
    deepest.to_string()
}

/// Whether the other presented a certificate of an authority that nobody has named as one to trust.
pub fn is_authority_unknown(failure: &(dyn Error + 'static)) -> bool {
    if let Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) =
        failure.downcast_ref()
    {
        return true;
    }
    // What an I/O error is made of is not its source.
    let made_of = failure.downcast_ref().and_then(io::Error::get_ref);
    let behind = match made_of {
        Some(made_of) => Some(made_of as &(dyn Error + 'static)),
        None => failure.source(),
    };
    behind.is_some_and(is_authority_unknown)
}

/// The authorities in a PEM file called `name`, which is to have some.
pub fn authorities(
    name: &str,
    pem: &[u8],
) -> Result<Vec<reqwest::Certificate>, InvalidAuthorities> {
    let invalid = |reason: String| InvalidAuthorities {
        name: name.to_owned(),
        reason,
    };
    let bundle = reqwest::Certificate::from_pem_bundle(pem);
    let authorities = bundle.map_err(|reason| invalid(reason.to_string()))?;
    if authorities.is_empty() {
        return Err(invalid("it is empty".to_owned()));
    }
    Ok(authorities)
}
