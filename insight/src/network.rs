//! What talking to others over TLS takes.

use std::error::Error;
use std::io;

use rustls::CertificateError;

/// Chooses who does the cryptography of TLS, which nobody does by default.
pub(crate) fn choose_cryptography() {
    // Somebody else may have chosen one for the process, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Why others could not be talked to: what is behind a failure tells it, and mostly that alone.
pub(crate) fn told(failure: &(dyn Error + 'static)) -> String {
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
pub(crate) fn is_authority_unknown(failure: &(dyn Error + 'static)) -> bool {
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
