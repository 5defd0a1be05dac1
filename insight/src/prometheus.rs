//! A Prometheus, or what speaks as it does (Prometheus, "HTTP API") → samples.

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

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an answer may take: a little longer than Prometheus itself gives a query by default.
const TIMEOUT: Duration = Duration::from_secs(150);

/// What an answer may have at most, in bytes.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;

/// How most commands are asked for less.
const NARROW_HELP: &str =
    "ask for a shorter `--window`, or for one policy: `--workload NAMESPACE/NAME`";

/// A server that answers queries. Its credentials are in no message and in no debug output.
pub struct Prometheus {
    client: Client,
    /// As it was given, which may be with a name and a password.
    endpoint: Url,
    /// The same without them.
    url: Url,
    /// Marked as sensitive, so that it is not shown.
    token: Option<HeaderValue>,
    /// How to ask for less, by the options of the command that asks.
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
    /// A server by its URL, such as `http://localhost:9090` or `https://metrics.example.com/prometheus`, with a bearer
    /// token if it wants one, and with authorities to trust beside those of the system.
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
        network::choose_cryptography();
        let client = if is_on_this_machine(&url) {
            Client::builder().no_proxy()
        } else {
            Client::builder()
        };
        let client = client
            .tls_certs_merge(authorities.iter().cloned())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // Where a query is sent on to is mostly a page to log in at, and the query is lost on the way.
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

    /// The same for a command with other options to ask for less than `--window` and `--workload`.
    #[must_use]
    pub fn with_narrow_help(self, narrow_help: &'static str) -> Self {
        Self {
            narrow_help,
            ..self
        }
    }

    /// The server's URL, without credentials.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// What a query in PromQL gives at a moment: a sample for each series, in the server's order.
    ///
    /// The answer is whole: one that the server itself says lacks a part is an error.
    pub async fn query(&self, query: &str, at: Timestamp) -> Result<Vec<Sample>, PrometheusError> {
        let seconds = seconds(at);
        let form = [
            ("query", query),
            ("time", &seconds),
            // For Thanos, which leaves out what it cannot reach unless it is told not to.
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

    /// Whether it has counters of the filter with everything in their names, where labels should be.
    pub async fn has_unlabelled(&self, at: Timestamp) -> Result<bool, PrometheusError> {
        let names = metric::DECISIONS.unlabelled_pattern();
        let query = format!("count({{__name__=~\"{names}\"}})");
        Ok(!self.query(&query, at).await?.is_empty())
    }

    /// A path below the server's own.
    fn below(&self, path: &str) -> Url {
        let mut url = self.endpoint.clone();
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{prefix}/{path}"));
        url
    }

    /// Why an answer is none, as far as its head tells.
    fn refusal(&self, response: &Response) -> Option<PrometheusError> {
        let status = response.status();
        if status.is_redirection() {
            let location = response.headers().get(LOCATION);
            let location = location.and_then(|location| location.to_str().ok());
            // What follows may be a secret.
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
            // Its message would have the URL once more.
            reason: reason.without_url(),
        }
    }
}

fn parse_url(text: &str) -> Result<Url, PrometheusError> {
    let invalid = |reason: &str| PrometheusError::InvalidUrl(reason.to_owned());
    let url = Url::parse(text).map_err(|reason| invalid(&reason.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        // `localhost:9090` is a URL with the scheme `localhost`.
        return Err(invalid("it begins with neither `http://` nor `https://`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it has a query or a fragment"));
    }
    Ok(url)
}

/// Whether a server is on this machine, as one behind `kubectl port-forward` is: there no proxy gets to it.
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

/// The seconds since the Unix epoch, to the millisecond, as the API takes them.
fn seconds(at: Timestamp) -> String {
    let milliseconds = at.unix_nanoseconds() / 1_000_000;
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}
