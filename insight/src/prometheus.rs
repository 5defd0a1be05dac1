//! A client of the Prometheus HTTP API.

mod answer;
mod error;
mod sample;

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderValue, LOCATION};
use peergate_mesh::network;
use policy_schema::telemetry::metric;
use policy_schema::timestamp::Timestamp;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

pub use error::PrometheusError;
pub use sample::Sample;

/// The timeout of a connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The timeout of a response: slightly longer than Prometheus' default query timeout.
const TIMEOUT: Duration = Duration::from_secs(150);

/// The maximum size of a response.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;

/// The default hint to reduce the size of a query.
const NARROW_HELP: &str =
    "choose a shorter `--window`, or one policy with `--policy NAMESPACE/NAME`";

/// A Prometheus server. Messages and debug output do not contain its credentials.
pub struct Prometheus {
    client: Client,
    /// The URL as given, possibly with credentials.
    endpoint: Url,
    /// The URL without credentials.
    url: Url,
    /// Marked as sensitive, so that debug output omits it.
    token: Option<HeaderValue>,
    /// A hint with the command's options to reduce the size of a query.
    narrow_help: &'static str,
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus")
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

impl Prometheus {
    /// Creates a client for a URL such as `https://metrics.example.com/prometheus`, with an optional bearer token and additional
    /// trusted CAs.
    pub fn new(
        url: &str,
        token: Option<&str>,
        authorities: &[reqwest::Certificate],
    ) -> Result<Self, PrometheusError> {
        let endpoint = parse_url(url)?;
        let mut url = endpoint.clone();
        let _ = url.set_username("");
        let _ = url.set_password(None);
        if token.is_some() && url != endpoint {
            return Err(PrometheusError::SeveralCredentials);
        }
        network::install_crypto_provider();
        let client = if is_on_this_machine(&url) {
            Client::builder().no_proxy()
        } else {
            Client::builder()
        };
        let client = client
            .tls_certs_merge(authorities.iter().cloned())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // A redirect usually leads to a login page and drops the query.
            .redirect(Policy::none())
            .user_agent(concat!("peergate/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(PrometheusError::Setup)?;
        Ok(Self {
            client,
            endpoint,
            url,
            token: token.map(bearer).transpose()?,
            narrow_help: NARROW_HELP,
        })
    }

    /// Replaces the hint to reduce the size of a query.
    #[must_use]
    pub fn with_narrow_help(self, narrow_help: &'static str) -> Self {
        Self {
            narrow_help,
            ..self
        }
    }

    /// The URL of the server, without credentials.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Evaluates a PromQL query at a point in time. Returns one sample per series, in the server's order.
    ///
    /// Partial responses are errors.
    pub async fn query(&self, query: &str, at: Timestamp) -> Result<Vec<Sample>, PrometheusError> {
        let seconds = seconds(at);
        let form = [
            ("query", query),
            ("time", &seconds),
            // Thanos omits unreachable stores by default.
            ("partial_response", "false"),
        ];
        let mut request = self.client.post(self.below("api/v1/query")).form(&form);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token.clone());
        }
        let response = request
            .send()
            .await
            .map_err(|reason| self.unreachable(reason))?;
        if let Some(refusal) = self.refusal(&response) {
            return Err(refusal);
        }
        let status = response.status();
        let body = self.body(response).await?;
        answer::read(&self.url, status, &body, query, self.narrow_help)
    }

    /// Whether Prometheus has filter counters with labels flattened into their names.
    pub async fn has_unlabelled(&self, at: Timestamp) -> Result<bool, PrometheusError> {
        let names = metric::DECISIONS.unlabelled_pattern();
        let query = format!("count({{__name__=~\"{names}\"}})");
        Ok(!self.query(&query, at).await?.is_empty())
    }

    /// Resolves a path under the URL of the server.
    fn below(&self, path: &str) -> Url {
        let mut url = self.endpoint.clone();
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{prefix}/{path}"));
        url
    }

    /// Checks the status and headers of a response.
    fn refusal(&self, response: &Response) -> Option<PrometheusError> {
        let status = response.status();
        if status.is_redirection() {
            let location = response.headers().get(LOCATION);
            let location = location.and_then(|location| location.to_str().ok());
            // The query of the location may contain secrets.
            let to = location.and_then(|location| location.split('?').next());
            return Some(PrometheusError::Elsewhere {
                url: self.url.clone(),
                to: to.unwrap_or_default().to_owned(),
            });
        }
        (matches!(status.as_u16(), 401 | 403 | 407)).then(|| PrometheusError::NotAdmitted {
            url: self.url.clone(),
            status,
            had_credentials: self.token.is_some() || self.url != self.endpoint,
        })
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, PrometheusError> {
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|reason| self.unreachable(reason))?
        {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(PrometheusError::TooLarge {
                    narrow_help: self.narrow_help,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn unreachable(&self, reason: reqwest::Error) -> PrometheusError {
        PrometheusError::Unreachable {
            url: self.url.clone(),
            // Its message would repeat the URL.
            reason: reason.without_url(),
        }
    }
}

fn parse_url(text: &str) -> Result<Url, PrometheusError> {
    let invalid = |reason: &str| PrometheusError::InvalidUrl(reason.to_owned());
    let url = Url::parse(text).map_err(|reason| invalid(&reason.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        // `localhost:9090` parses as a URL with the scheme `localhost`.
        return Err(invalid("it must begin with `http://` or `https://`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it must not have a query or a fragment"));
    }
    Ok(url)
}

/// Whether a server is on this machine, as with `kubectl port-forward`. HTTP proxies cannot reach it.
fn is_on_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn bearer(token: &str) -> Result<HeaderValue, PrometheusError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| PrometheusError::InvalidToken)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Formats seconds since the Unix epoch with milliseconds for the API.
fn seconds(at: Timestamp) -> String {
    let milliseconds = at.unix_nanoseconds() / 1_000_000;
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}
