//! The service behind the sidecar, which echoes requests.

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

/// More than Envoy's default limit (60 KiB in 100 headers) plus its own headers, so that this server never rejects a request.
const MAX_HEADER_BYTES: u32 = 1 << 20;
const MAX_HEADERS: usize = 256;

/// A request as received by the upstream. It is the JSON body of every response.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The path and query, or the authority of a `CONNECT`.
    pub path: String,
    /// The headers in order, with repetitions preserved. Invalid UTF-8 is replaced by U+FFFD.
    pub headers: Vec<(String, String)>,
    /// The trailers, in the same format.
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

    fn new(request: &Parts, trailers: Option<&HeaderMap>) -> Self {
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

/// An HTTP/1.1 and HTTP/2 (prior knowledge) server without TLS on its own thread. It answers each request with 200 and a
/// [`Received`], and stops when dropped.
#[derive(Debug)]
pub struct Upstream {
    addr: SocketAddr,
    requests: Arc<AtomicU64>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Upstream {
    /// Starts a server on a free port of `127.0.0.1`, which accepts connections once this returns.
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
                // Returns an error when the sender is dropped. All tasks end with the runtime.
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

    /// The listening address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The number of requests received so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It only fails with a panic, which is already reported.
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
        // Errors only affect one connection, or last until descriptors are available.
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
            // Clients handle connection errors.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, hyper::Error> {
    let (request, body) = request.into_parts();
    // Reading the whole body keeps the connection reusable.
    let body = body.collect().await?;
    let received = Received::new(&request, body.trailers());
    let body = serde_json::to_vec(&received).unwrap_or_default();
    let mut response = hyper::Response::new(Full::from(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
