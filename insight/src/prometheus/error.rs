//! Errors of Prometheus queries.

use http::StatusCode;
use peergate_fault::{ExitStatus, Fault};
use peergate_mesh::network;
use reqwest::Url;
use thiserror::Error;

/// Why a Prometheus query failed.
#[derive(Debug, Error)]
pub enum PrometheusError {
    /// No server is configured.
    #[error("no Prometheus given")]
    NotNamed,
    /// The URL is invalid or has forbidden parts.
    #[error("invalid Prometheus URL: {0}")]
    InvalidUrl(String),
    /// The URL has credentials, and a token is given too.
    #[error("the Prometheus URL has credentials, but a token is given too")]
    SeveralCredentials,
    /// The token is not a valid header value.
    #[error("the Prometheus token is empty or has invalid characters")]
    InvalidToken,
    /// The HTTP client cannot be created.
    #[error("cannot create an HTTP client: {0}")]
    Setup(reqwest::Error),
    /// The server does not respond.
    #[error("cannot reach Prometheus at {url}: {}", chain(.reason))]
    Unreachable {
        /// The URL of the server, without credentials.
        url: Url,
        /// The error, without the URL.
        reason: reqwest::Error,
    },
    /// The response is a redirect.
    #[error("Prometheus at {url} redirects to `{to}`")]
    Elsewhere {
        /// The URL of the server, without credentials.
        url: Url,
        /// The location, without its query, which may contain secrets.
        to: String,
    },
    /// The server rejects the credentials.
    #[error("Prometheus at {url} answered {status}")]
    NotAdmitted {
        /// The URL of the server, without credentials.
        url: Url,
        /// The status of the response.
        status: StatusCode,
        /// Whether the request had credentials.
        had_credentials: bool,
    },
    /// The response is not from the Prometheus HTTP API.
    #[error("the server at {url} is not Prometheus: {status}, {reason}")]
    NotPrometheus {
        /// The URL of the server, without credentials.
        url: Url,
        /// The status of the response.
        status: StatusCode,
        /// The unexpected part of the response.
        reason: String,
    },
    /// The server cannot evaluate the query.
    #[error("Prometheus rejected the query `{query}`: {message}")]
    Refused {
        /// The PromQL query.
        query: String,
        /// The message of the server.
        message: String,
        /// The hint to reduce the query, if it was too expensive.
        narrow_help: Option<&'static str>,
    },
    /// The server warns that data is missing.
    #[error("Prometheus returned a partial result: {0}")]
    Partial(String),
    /// The result is neither a vector nor a scalar.
    #[error("the query `{query}` returned a {kind} instead of samples")]
    UnexpectedType {
        /// The PromQL query.
        query: String,
        /// The type of the result, such as `matrix`.
        kind: String,
    },
    /// The response exceeds 256 MiB.
    #[error("the response of Prometheus exceeds 256 MiB")]
    TooLarge {
        /// The hint to reduce the query.
        narrow_help: &'static str,
    },
}

impl Fault for PrometheusError {
    fn status(&self) -> ExitStatus {
        match self {
            Self::NotNamed
            | Self::InvalidUrl(_)
            | Self::SeveralCredentials
            | Self::InvalidToken => ExitStatus::Invalid,
            Self::Setup(_)
            | Self::Unreachable { .. }
            | Self::Elsewhere { .. }
            | Self::NotAdmitted { .. }
            | Self::NotPrometheus { .. }
            | Self::Refused { .. }
            | Self::Partial(_)
            | Self::UnexpectedType { .. }
            | Self::TooLarge { .. } => ExitStatus::Failure,
        }
    }

    fn help(&self) -> Option<&str> {
        Some(match self {
            Self::NotNamed => "add `--prometheus http://HOST:PORT`",
            Self::InvalidUrl(_) => {
                "write `http://HOST:PORT` or `https://HOST:PORT`, with its path prefix if it has one"
            }
            Self::SeveralCredentials => "remove the credentials from the URL, or remove the token",
            Self::InvalidToken => {
                "the file of `--prometheus-token-file` must contain only the bearer token"
            }
            Self::Unreachable { reason, .. } if network::is_authority_unknown(reason) => {
                "trust its CA with `--prometheus-ca-file FILE`"
            }
            Self::Unreachable { reason, .. } if network::is_plaintext(reason) => {
                "use `http://` instead of `https://`"
            }
            Self::Unreachable { .. } => {
                "check the address; to reach a Prometheus in a cluster, run `kubectl port-forward -n NAMESPACE svc/NAME 9090`"
            }
            Self::Elsewhere { .. } => {
                "use the URL of Prometheus itself; to pass a login page, use `--prometheus-token-file` or another route"
            }
            Self::NotAdmitted {
                had_credentials: false,
                ..
            } => "add `--prometheus-token-file FILE` with a bearer token",
            Self::NotAdmitted {
                had_credentials: true,
                ..
            } => "check that the credentials are valid and allowed to query",
            Self::NotPrometheus { .. } => {
                "use the server with `/api/v1/query`, including its path prefix; Grafana is not Prometheus"
            }
            Self::Refused {
                narrow_help: Some(narrow_help),
                ..
            }
            | Self::TooLarge { narrow_help } => narrow_help,
            Self::Partial(_) => "check which stores are unreachable, then try again",
            Self::Setup(_) | Self::Refused { .. } | Self::UnexpectedType { .. } => return None,
        })
    }
}

/// The innermost cause of an error.
fn chain(reason: &reqwest::Error) -> String {
    if reason.is_timeout() {
        return "timed out".to_owned();
    }
    network::cause(reason)
}
