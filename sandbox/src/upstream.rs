//! The service behind the sidecar: it answers with what it received.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::Error;

/// More than Envoy lets through by default (60 KiB in 100 headers) and adds, so that it is never
/// this server that objects.
const MAX_HEADER_BYTES: u32 = 1 << 20;
const MAX_HEADERS: usize = 256;

/// A request as the upstream received it; the body of each of its responses, as JSON.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Received {
    /// The method.
    pub method: String,
    /// Path and query, or the authority where there is no path (`CONNECT`).
    pub path: String,
    /// The headers in their order of arrival, repeated ones repeatedly. What is not UTF-8 in a
    /// value is replaced by U+FFFD.
    pub headers: Vec<(String, String)>,
    /// The trailers, in the same way.
    pub trailers: Vec<(String, String)>,
}

impl Received {
    /// All values of the header `name` (lower case).
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    fn of(request: &Parts, trailers: Option<&HeaderMap>) -> Self {
        let uri = &request.uri;
        let path = uri
            .path_and_query()
            .map_or_else(|| uri.to_string(), ToString::to_string);
        Self {
            method: request.method.to_string(),
            path,
            headers: texts(&request.headers),
            trailers: trailers.map(texts).unwrap_or_default(),
        }
    }
}

fn texts(fields: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let fields = fields.iter();
    fields
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

/// An HTTP/1.1 and HTTP/2 (prior knowledge) server without TLS on a thread of its own. It answers
/// each request with 200 and a [`Received`], and ends when dropped.
#[derive(Debug)]
pub struct Upstream {
    addr: SocketAddr,
    requests: Arc<AtomicU64>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Upstream {
    /// Starts a server on a free port of `127.0.0.1`; it accepts connections from then on.
    pub fn start() -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::io("start the upstream"))?;
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .map_err(Error::io("bind the upstream"))?;
        let addr = listener
            .local_addr()
            .map_err(Error::io("bind the upstream"))?;
        let requests = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&requests);
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("upstream".into())
            .spawn(move || {
                runtime.spawn(accept(listener, counter));
                // Yields an error when the sender is dropped; with the runtime all tasks end.
                let _ = runtime.block_on(stopped);
            })
            .map_err(Error::io("start the upstream"))?;
        Ok(Self {
            addr,
            requests,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many requests have reached it so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Its only failure is a panic, which has been reported already.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, requests: Arc<AtomicU64>) {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES as usize);
    server.http2().max_header_list_size(MAX_HEADER_BYTES);
    let server = Arc::new(server);
    loop {
        // Accepting fails for one connection only, or until descriptors are free again.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let server = Arc::clone(&server);
        let requests = Arc::clone(&requests);
        tokio::spawn(async move {
            let service = service_fn(move |request: hyper::Request<Incoming>| {
                requests.fetch_add(1, Ordering::SeqCst);
                answer(request)
            });
            // How a connection ends is the client's concern.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, hyper::Error> {
    let (request, body) = request.into_parts();
    // Reading the body to its end keeps the connection fit for the next request, too.
    let body = body.collect().await?;
    let received = Received::of(&request, body.trailers());
    let body = serde_json::to_vec(&received).unwrap_or_default();
    let mut response = hyper::Response::new(Full::from(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
