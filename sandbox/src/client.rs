//! A blocking HTTP client that can also send what well-behaved clients do not.

mod connection;
mod endpoint;
mod message;
mod plain;
mod tls;

use std::net::SocketAddr;

use rustls::client::Resumption;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

pub use self::connection::Connection;
use self::endpoint::{Endpoint, Protocol};
pub use self::message::{Request, Response};
use crate::{Authority, CallError, Error, Identity};

/// A client of one address. It speaks HTTP/1.1 without TLS unless told otherwise, and opens a new
/// connection for each call but those on a [`Connection`]. Connecting, and each exchange after that,
/// may take as long as [`PATIENCE`](crate::wait::PATIENCE).
#[derive(Debug)]
pub struct Client(Endpoint);

impl Client {
    /// A client of `addr`; does not connect yet.
    pub fn new(addr: SocketAddr) -> Result<Self, Error> {
        Endpoint::new(addr).map(Self)
    }

    /// Speaks HTTP/2, with prior knowledge where there is no TLS.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.0.protocol = Protocol::Http2;
        self
    }

    /// Speaks TLS 1.3: trusts every certificate of `authority`, whatever its names, and presents
    /// `identity` if there is one. Sessions are not resumed, so each connection shows it anew.
    pub fn tls(
        mut self,
        authority: &Authority,
        identity: Option<&Identity>,
    ) -> Result<Self, Error> {
        self.0.tls = Some(tls::config(authority, identity)?);
        Ok(self)
    }

    /// Resumes TLS sessions: from the second connection on the server is not shown the certificate
    /// again.
    #[must_use]
    pub fn resuming(mut self) -> Self {
        if let Some(tls) = &mut self.0.tls {
            tls.resumption = Resumption::in_memory_sessions(8);
        }
        self
    }

    /// Opens a connection for several requests.
    pub fn connect(&self) -> Result<Connection<'_>, CallError> {
        self.0.block_on(Connection::open(&self.0))
    }

    /// Sends one request on a connection of its own.
    pub fn send(&self, request: &Request) -> Result<Response, CallError> {
        self.connect()?.send(request)
    }

    /// Sends `bytes` as they are (over TLS where the client speaks that), and returns all that
    /// comes back until the peer closes the connection. So an HTTP/1.1 request needs
    /// `connection: close`; after one that is malformed, servers close by themselves.
    ///
    /// # Errors
    ///
    /// [`CallError::Refused`] when the peer closes without a single byte.
    pub fn send_raw(&self, bytes: &[u8]) -> Result<Vec<u8>, CallError> {
        self.0.block_on(async {
            let mut stream = self.0.open().await?;
            let mut answer = Vec::new();
            let exchange = async {
                stream.write_all(bytes).await?;
                stream.flush().await?;
                stream.read_to_end(&mut answer).await
            };
            // Servers close rudely on what they refuse; that is no error once they have answered.
            match exchange.await {
                Err(error) if answer.is_empty() => Err(CallError::of_io(&error)),
                Ok(0) => Err(CallError::Refused("closed without an answer".into())),
                _ => Ok(answer),
            }
        })
    }
}
