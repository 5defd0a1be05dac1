//! Errors of the request benchmark.

use std::io;
use std::path::{Path, PathBuf};

use hyper::StatusCode;
use peergate_sandbox::Error as SandboxError;
use policy_schema::envoy::NotForPlainEnvoy;
use thiserror::Error;

/// Why a benchmark failed.
#[derive(Debug, Error)]
pub enum BenchError {
    /// Envoy, its certificates or its listeners.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A file cannot be read or written.
    #[error("cannot access {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A connection cannot be set up, or broke.
    #[error("connection failed: {0}")]
    Io(#[from] io::Error),
    /// The client's TLS configuration.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// An exchange of HTTP messages.
    #[error("HTTP exchange failed: {0}")]
    Http(#[from] hyper::Error),
    /// A response that the row does not expect. Its cost would not be the cost of the row.
    #[error("expected status {expected}, got {got}")]
    Status {
        /// The status that the row expects.
        expected: StatusCode,
        /// The status of the response.
        got: StatusCode,
    },
    /// The generated documents do not validate.
    #[error("the generated policy with {rules} rules is not valid")]
    Policy {
        /// The number of rules.
        rules: usize,
    },
    /// The policy cannot be rendered for Envoy.
    #[error(transparent)]
    Render(#[from] NotForPlainEnvoy),
    /// Data that does not serialize, or a results file of another version.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The process may run on one CPU only.
    #[error("the benchmark needs two CPUs, one for Envoy and one for the load")]
    OneCpu,
    /// The kernel refuses to pin a thread.
    #[error("cannot pin threads to a CPU: {0}")]
    Affinity(#[from] nix::Error),
    /// A `--rows` value that matches no row.
    #[error("no row {0:?}; `--list` prints all rows")]
    NoRow(String),
    /// The charts.
    #[error("cannot draw a chart: {0}")]
    Chart(String),
}

impl BenchError {
    /// Adds the path to an I/O error.
    pub fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::File { path, source }
    }
}
