//! Which Prometheus to query, and how.

use std::path::PathBuf;

use peergate_fault::Failure;
use peergate_insight::prometheus::{Prometheus, PrometheusError};
use peergate_mesh::network;

use crate::input;

/// Which Prometheus to query, and how to authenticate.
#[derive(Debug, clap::Args)]
pub(crate) struct PrometheusArgs {
    /// Query Prometheus, or a server with its API, at URL, such as `http://localhost:9090`
    #[arg(long = "prometheus", value_name = "URL")]
    url: Option<String>,
    /// File with the bearer token for Prometheus
    #[arg(long, value_name = "FILE", requires = "url")]
    prometheus_token_file: Option<PathBuf>,
    /// PEM file with CA certificates to trust for Prometheus, in addition to the system's
    #[arg(long, value_name = "FILE", requires = "url")]
    prometheus_ca_file: Option<PathBuf>,
}

impl PrometheusArgs {
    /// A client of the Prometheus, if one is named.
    pub(crate) fn connect(&self) -> Result<Option<Prometheus>, Failure> {
        let Some(url) = &self.url else {
            return Ok(None);
        };
        let token = self.prometheus_token_file.as_deref().map(input::bytes);
        let token = token
            .transpose()?
            .map(|bytes| token_of(&bytes))
            .transpose()?;
        let authorities = match &self.prometheus_ca_file {
            Some(path) => network::authorities(&input::name_of(path), &input::bytes(path)?)?,
            None => Vec::new(),
        };
        Ok(Some(Prometheus::new(url, token.as_deref(), &authorities)?))
    }
}

/// The token in a file, without the white space around it.
fn token_of(bytes: &[u8]) -> Result<String, PrometheusError> {
    let token = str::from_utf8(bytes).map_err(|_| PrometheusError::InvalidToken)?;
    match token.trim() {
        "" => Err(PrometheusError::InvalidToken),
        token => Ok(token.to_owned()),
    }
}
