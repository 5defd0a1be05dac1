//! The async runtime, TLS setup and trusted CAs of connections.

use std::error::Error;
use std::io;

use peergate_fault::{ExitStatus, Fault};
use rustls::{CertificateError, InvalidMessage};
use thiserror::Error;

/// The async runtime cannot start.
#[derive(Debug, Error)]
#[error("cannot start the async runtime: {0}")]
pub struct CannotStart(io::Error);

impl Fault for CannotStart {
    fn status(&self) -> ExitStatus {
        ExitStatus::Failure
    }

    fn help(&self) -> Option<&str> {
        None
    }
}

/// A file without a usable CA certificate.
#[derive(Debug, Error)]
#[error("`{name}` does not contain a PEM certificate: {reason}")]
pub struct InvalidAuthorities {
    name: String,
    reason: String,
}

impl Fault for InvalidAuthorities {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some("use a PEM file with the CA certificate and no key")
    }
}

/// Runs a future to completion.
pub fn block_on<F: Future>(work: F) -> Result<F::Output, CannotStart> {
    install_crypto_provider();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CannotStart)?;
    Ok(runtime.block_on(work))
}

/// Installs the process-wide crypto provider of TLS, which rustls requires.
pub fn install_crypto_provider() {
    // Another installed provider is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The root cause of a failed connection. Outer errors are mostly uninformative.
pub fn cause(failure: &(dyn Error + 'static)) -> String {
    if is_authority_unknown(failure) {
        return "its certificate is from an unknown CA".to_owned();
    }
    if is_plaintext(failure) {
        return "it does not speak TLS".to_owned();
    }
    let mut deepest = failure;
    while let Some(next) = deepest.source() {
        deepest = next;
    }
    deepest.to_string()
}

/// Whether the peer presented a certificate from an untrusted CA.
pub fn is_authority_unknown(failure: &(dyn Error + 'static)) -> bool {
    let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
    tls_error(failure).is_some_and(|error| *error == unknown)
}

/// Whether the peer answered a TLS handshake with something else, as a server of plain HTTP does.
pub fn is_plaintext(failure: &(dyn Error + 'static)) -> bool {
    matches!(
        tls_error(failure),
        Some(rustls::Error::InvalidMessage(
            InvalidMessage::InvalidContentType
        ))
    )
}

/// The TLS error behind a failure.
fn tls_error<'f>(failure: &'f (dyn Error + 'static)) -> Option<&'f rustls::Error> {
    if let Some(error) = failure.downcast_ref() {
        return Some(error);
    }
    // The inner error of an I/O error is not its `source`.
    let inner = failure.downcast_ref().and_then(io::Error::get_ref);
    let behind = match inner {
        Some(inner) => Some(inner as &(dyn Error + 'static)),
        None => failure.source(),
    };
    behind.and_then(tls_error)
}

/// Parses the CA certificates of a PEM file called `name`. Fails if there are none.
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
        return Err(invalid("the file is empty".to_owned()));
    }
    Ok(authorities)
}
