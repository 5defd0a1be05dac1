//! Queries a proxy's admin endpoint (Envoy, operations, "Administration interface").

use std::sync::LazyLock;
use std::time::Duration;

use http::StatusCode;
use http_body_util::{BodyExt, Collected, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use policy_schema::telemetry::metric;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The timeout of a response. Large config dumps have some hundred megabytes.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The maximum size of a config dump.
const MAX_CONFIG_BYTES: usize = 512 * 1024 * 1024;

/// The maximum size of metrics: some hundred thousand series.
const MAX_STATS_BYTES: usize = 64 * 1024 * 1024;

/// Sends requests without a body.
type Requests = SendRequest<Empty<Bytes>>;

/// The responses of an admin endpoint. The config dump is mandatory.
#[derive(Debug)]
pub(crate) struct AdminAnswers {
    /// JSON.
    pub(crate) config_dump: Bytes,
    /// JSON.
    pub(crate) certs: Result<Bytes, AdminError>,
    /// The metrics that prove which policies run, in Prometheus' text format.
    pub(crate) revisions: Result<Bytes, AdminError>,
}

/// The metrics about running filters: their revisions, load times and number.
static REVISIONS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "/stats/prometheus?filter={}%7C{}%7Cwasm%5C.runtime%5C.v8%5C.active",
        metric::REVISION.name,
        metric::LOADED.name
    )
});

/// All of the filter's metrics.
static OF_FILTER: LazyLock<String> =
    LazyLock::new(|| format!("/stats/prometheus?filter={}", metric::PREFIX));

/// Why an admin endpoint cannot be queried.
#[derive(Debug, Error)]
pub enum AdminError {
    /// The connection failed.
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    /// The server violates HTTP.
    #[error("invalid HTTP: {0}")]
    Http(#[from] hyper::Error),
    /// The response is incomplete or too large.
    #[error("cannot read the response: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    /// The status for a path is not 200.
    #[error("`{0}` returned {1}")]
    Status(&'static str, StatusCode),
    /// The response timed out.
    #[error("no response within {} seconds", TIMEOUT.as_secs())]
    Silence,
}

/// Queries the admin endpoint at `address`, a host and a port.
pub(crate) async fn ask(address: &str) -> Result<AdminAnswers, AdminError> {
    let stream = timeout(TIMEOUT, TcpStream::connect(address)).await;
    ask_over(stream.map_err(|_| AdminError::Silence)??).await
}

/// Reads the filter's metrics from the admin endpoint at `address`, in Prometheus' text format.
pub async fn stats(address: &str) -> Result<Bytes, AdminError> {
    let stream = timeout(TIMEOUT, TcpStream::connect(address)).await;
    let stream = stream.map_err(|_| AdminError::Silence)??;
    with_connection(stream, async |requests| get(requests, &OF_FILTER).await).await
}

/// Queries the admin endpoint over an open connection.
pub(crate) async fn ask_over<S>(stream: S) -> Result<AdminAnswers, AdminError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    with_connection(stream, async |requests| {
        Ok(AdminAnswers {
            config_dump: get(requests, "/config_dump").await?,
            certs: get(requests, "/certs").await,
            revisions: get(requests, &REVISIONS).await,
        })
    })
    .await
}

/// Runs a sequence of requests over a connection, and closes it.
async fn with_connection<S, T>(
    stream: S,
    conversation: impl AsyncFnOnce(&mut Requests) -> Result<T, AdminError>,
) -> Result<T, AdminError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let said = timeout(TIMEOUT, conversation(&mut requests))
        .await
        .unwrap_or(Err(AdminError::Silence));
    connection.abort();
    said
}

async fn get(requests: &mut Requests, path: &'static str) -> Result<Bytes, AdminError> {
    let mut request = http::Request::new(Empty::new());
    *request.uri_mut() = http::Uri::from_static(path);
    let host = http::HeaderValue::from_static("localhost");
    request.headers_mut().insert(http::header::HOST, host);
    requests.ready().await?;
    let response = requests.send_request(request).await?;
    if response.status() != StatusCode::OK {
        return Err(AdminError::Status(path, response.status()));
    }
    let limit = if path.starts_with("/stats") {
        MAX_STATS_BYTES
    } else {
        MAX_CONFIG_BYTES
    };
    let body = Limited::new(response.into_body(), limit).collect().await;
    body.map(Collected::to_bytes).map_err(AdminError::Body)
}
