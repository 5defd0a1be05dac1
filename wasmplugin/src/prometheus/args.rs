//! Which Prometheus, as commands are told.

use std::path::PathBuf;

use super::{Prometheus, PrometheusError};
use crate::failure::Failure;
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
        let mut authorities = Vec::new();
        if let Some(path) = &self.prometheus_ca_file {
            let invalid = |reason: String| PrometheusError::InvalidAuthorities {
                name: input::name_of(path),
                reason,
            };
            let bundle = reqwest::Certificate::from_pem_bundle(&input::bytes(path)?);
            authorities = bundle.map_err(|reason| invalid(reason.to_string()))?;
            if authorities.is_empty() {
                return Err(invalid("it is empty".to_owned()).into());
            }
        }
        Ok(Some(Prometheus::with(url, token.as_deref(), &authorities)?))
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
