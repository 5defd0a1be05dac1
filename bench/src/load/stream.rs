//! Sequential requests on a connection.

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::{http1, http2};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::BenchError;
use crate::protocol::Protocol;

const AUTHORITY: &str = "orders.shop:8080";

/// Sends one request at a time, always the same.
#[derive(Debug)]
pub(super) struct Stream {
    sender: Sender,
    target: Uri,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

impl Stream {
    /// Speaks HTTP on a connection. The connection ends with its streams.
    pub(super) async fn open(
        protocol: Protocol,
        io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        path: &str,
    ) -> Result<Self, BenchError> {
        let io = TokioIo::new(io);
        let (sender, target) = match protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(io).await?;
                // Requests report its errors.
                tokio::spawn(connection);
                (Sender::Http1(sender), Uri::builder().path_and_query(path))
            }
            Protocol::Http2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
                tokio::spawn(connection);
                let target = Uri::builder().scheme("https").authority(AUTHORITY);
                (Sender::Http2(sender), target.path_and_query(path))
            }
        };
        let target = target
            .build()
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Self { sender, target })
    }

    /// Another stream, which HTTP/1.1 does not have.
    pub(super) fn on_the_same_connection(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http1(_) => None,
            Sender::Http2(sender) => Some(Self {
                sender: Sender::Http2(sender.clone()),
                target: self.target.clone(),
            }),
        }
    }

    /// Sends the request, and reads the whole response.
    pub(super) async fn exchange(&mut self, expected: StatusCode) -> Result<(), BenchError> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.target.clone();
        let response = match &mut self.sender {
            Sender::Http1(sender) => {
                request.headers_mut().insert(
                    hyper::header::HOST,
                    hyper::header::HeaderValue::from_static(AUTHORITY),
                );
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
        };
        let got = response.status();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        if got == expected {
            Ok(())
        } else {
            Err(BenchError::Status { expected, got })
        }
    }
}
