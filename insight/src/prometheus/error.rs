//! Why a Prometheus gives no answer, and what to do about it.

use http::StatusCode;
use peergate_fault::{ExitStatus, Fault};
use peergate_mesh::network;
use reqwest::Url;
use thiserror::Error;

/// Why a Prometheus gives no answer.
#[derive(Debug, Error)]
pub enum PrometheusError {
    /// No server is named.
    #[error("there is no Prometheus to ask")]
    NotNamed,
    /// The URL cannot be read, or has parts that it must not have.
    #[error("the URL of Prometheus is none: {0}")]
    InvalidUrl(String),
    /// There are credentials in the URL and a token beside them.
    #[error("the URL of Prometheus has a name or a password, and there is a token too")]
    SeveralCredentials,
    /// A token cannot be sent in a header.
    #[error("the token for Prometheus is empty or has characters that no token has")]
    InvalidToken,
    /// The client cannot be set up.
    #[error("cannot speak HTTP: {0}")]
    Setup(reqwest::Error),
    /// The server gives no answer.
    #[error("Prometheus at {url} cannot be reached: {}", chain(.reason))]
    Unreachable {
        /// The server's, without credentials.
        url: Url,
        /// Without the URL.
        reason: reqwest::Error,
    },
    /// The answer is a redirection.
    #[error("Prometheus at {url} sends on to `{to}`")]
    Elsewhere {
        /// The server's, without credentials.
        url: Url,
        /// Where to, without what may be a secret.
        to: String,
    },
    /// The answer is a status for a lack of credentials or of permission.
    #[error("Prometheus at {url} answers {status}")]
    NotAdmitted {
        /// The server's, without credentials.
        url: Url,
        /// The answer's.
        status: StatusCode,
        /// Whether the request had any.
        had_credentials: bool,
    },
    /// The answer is not in the form of Prometheus' HTTP API.
    #[error("what answers at {url} is no Prometheus: {status}, {reason}")]
    NotPrometheus {
        /// The server's, without credentials.
        url: Url,
        /// The answer's.
        status: StatusCode,
        /// What in the answer is not understood.
        reason: String,
    },
    /// The server answers that it cannot evaluate the query.
    #[error("Prometheus refuses the query `{query}`: {message}")]
    Refused {
        /// In PromQL.
        query: String,
        /// The server's own.
        message: String,
        /// What to ask for instead, where it was too much.
        narrow_help: Option<&'static str>,
    },
    /// The server answers, and warns that data is missing.
    #[error("Prometheus answers in part only: {0}")]
    Partial(String),
    /// The query gives something other than a vector or a scalar.
    #[error("Prometheus answers the query `{query}` with a {kind}, and not with samples")]
    UnexpectedType {
        /// In PromQL.
        query: String,
        /// As Prometheus names it, such as `matrix`.
        kind: String,
    },
    /// The answer has more than 256 MiB.
    #[error("the answer of Prometheus is larger than 256 MiB")]
    TooLarge {
        /// What to ask for instead.
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
            Self::NotNamed => "name one: `--prometheus http://HOST:PORT`",
            Self::InvalidUrl(_) => {
                "write `http://HOST:PORT` or `https://HOST:PORT`, with the path that it is served under, if there is one"
            }
            Self::SeveralCredentials => {
                "leave the name and the password out of the URL, or the token"
            }
            Self::InvalidToken => {
                "let the file of `--prometheus-token-file` have the bearer token and nothing else"
            }
            Self::Unreachable { reason, .. } if network::is_authority_unknown(reason) => {
                "name a PEM file with the authority: `--prometheus-ca-file`"
            }
            Self::Unreachable { .. } => {
                "see whether it listens there; one in a cluster is reached by `kubectl port-forward -n NAMESPACE svc/NAME 9090`"
            }
            Self::Elsewhere { .. } => {
                "name the URL that Prometheus itself answers at; a page to log in at needs `--prometheus-token-file` or a way round it"
            }
            Self::NotAdmitted {
                had_credentials: false,
                ..
            } => "name a file with a bearer token: `--prometheus-token-file`",
            Self::NotAdmitted {
                had_credentials: true,
                ..
            } => "see whether the credentials are still good, and whether they may query",
            Self::NotPrometheus { .. } => {
                "name what answers at `/api/v1/query`, with the path that it is served under; Grafana is no Prometheus"
            }
            Self::Refused {
                narrow_help: Some(narrow_help),
                ..
            }
            | Self::TooLarge { narrow_help } => narrow_help,
            Self::Partial(_) => "see why a part of its data cannot be reached, then ask again",
            Self::Setup(_) | Self::Refused { .. } | Self::UnexpectedType { .. } => return None,
        })
    }
}

/// A failure with what is behind it, which alone tells what happened.
fn chain(reason: &reqwest::Error) -> String {
    if reason.is_timeout() {
        return "it takes too long".to_owned();
    }
    network::told(reason)
}
