//! A proxy's admin endpoint (Envoy, operations, "Administration interface") → what it says.

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

/// What a proxy may take to answer: a large configuration is some hundred megabytes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What it may say of its configuration at most, in bytes.
const MOST: usize = 512 * 1024 * 1024;

/// What it may say of its metrics at most, in bytes: some hundred thousand series.
const MOST_STATS: usize = 64 * 1024 * 1024;

/// Where requests without a body are sent.
type Requests = SendRequest<Empty<Bytes>>;

/// What a proxy says. Without its configuration the rest is of no use.
#[derive(Debug)]
pub(crate) struct Said {
    /// JSON.
    pub(crate) config_dump: Bytes,
    /// JSON.
    pub(crate) certs: Result<Bytes, AdminError>,
    /// What proves which policies run, in Prometheus' text format.
    pub(crate) revisions: Result<Bytes, AdminError>,
}

/// The metrics that tell what filters run: what they report, since when, and how many there are.
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

/// Why a proxy says nothing.
#[derive(Debug, Error)]
pub enum AdminError {
    /// Nothing accepts connections at its address.
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    /// What answers breaks the rules of HTTP.
    #[error("it does not speak HTTP: {0}")]
    Http(#[from] hyper::Error),
    /// The answer breaks off, or is larger than is read.
    #[error("its answer cannot be read: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    /// It answers the request for a path with another status than 200.
    #[error("it answers `{0}` with {1}")]
    Status(&'static str, StatusCode),
    /// The time for an answer is over.
    #[error("it does not answer within {} seconds", PATIENCE.as_secs())]
    Silence,
}

/// Asks the proxy whose admin endpoint is at `address`, a host and a port.
pub(crate) async fn ask(address: &str) -> Result<Said, AdminError> {
    let stream = timeout(PATIENCE, TcpStream::connect(address)).await;
    ask_through(stream.map_err(|_| AdminError::Silence)??).await
}

/// What the proxy whose admin endpoint is at `address` has counted of Peergate, in Prometheus' text format.
pub async fn stats(address: &str) -> Result<Bytes, AdminError> {
    let stream = timeout(PATIENCE, TcpStream::connect(address)).await;
    let stream = stream.map_err(|_| AdminError::Silence)??;
    talk(stream, async |requests| get(requests, &OF_FILTER).await).await
}

/// Asks the proxy at the other end of a connection.
pub(crate) async fn ask_through<S>(stream: S) -> Result<Said, AdminError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    talk(stream, async |requests| {
        Ok(Said {
            config_dump: get(requests, "/config_dump").await?,
            certs: get(requests, "/certs").await,
            revisions: get(requests, &REVISIONS).await,
        })
    })
    .await
}

/// Has a conversation over a connection, which ends with it.
async fn talk<S, T>(
    stream: S,
    conversation: impl AsyncFnOnce(&mut Requests) -> Result<T, AdminError>,
) -> Result<T, AdminError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let said = timeout(PATIENCE, conversation(&mut requests))
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
    let most = if path.starts_with("/stats") {
        MOST_STATS
    } else {
        MOST
    };
    let body = Limited::new(response.into_body(), most).collect().await;
    body.map(Collected::to_bytes).map_err(AdminError::Body)
}
