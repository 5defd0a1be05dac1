//! Which Prometheus, as commands are told.

use std::path::PathBuf;

use peergate_fault::Failure;
use peergate_insight::prometheus::{Prometheus, PrometheusError};
use peergate_mesh::network;

use crate::input;

/// Which Prometheus, and how to be let in.
#[derive(Debug, clap::Args)]
pub(crate) struct PrometheusArgs {
    /// Prometheus, or what speaks as it does: `http://HOST:PORT`, with the path that it is served under
    #[arg(long = "prometheus", value_name = "URL")]
    url: Option<String>,
    /// A file with the bearer token for Prometheus
    #[arg(long, value_name = "FILE", requires = "url")]
    prometheus_token_file: Option<PathBuf>,
    /// A PEM file with authorities for Prometheus' certificate, beside those of the system
    #[arg(long, value_name = "FILE", requires = "url")]
    prometheus_ca_file: Option<PathBuf>,
}

impl PrometheusArgs {
    /// The Prometheus that is named, if one is.
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

/// A token as people and clusters leave it in a file.
fn token_of(bytes: &[u8]) -> Result<String, PrometheusError> {
    let token = str::from_utf8(bytes).map_err(|_| PrometheusError::InvalidToken)?;
    match token.trim() {
        "" => Err(PrometheusError::InvalidToken),
        token => Ok(token.to_owned()),
    }
}
