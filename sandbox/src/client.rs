//! A blocking HTTP client that can also send malformed requests.

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

/// A client of one address. By default it speaks HTTP/1.1 without TLS, and opens a new connection for each call, except on a
/// [`Connection`]. Connecting and each exchange time out after [`TIMEOUT`](crate::wait::TIMEOUT).
#[derive(Debug)]
pub struct Client(Endpoint);

impl Client {
    /// Creates a client of `addr` without connecting.
    pub fn new(addr: SocketAddr) -> Result<Self, Error> {
        Endpoint::new(addr).map(Self)
    }

    /// Speaks HTTP/2, with prior knowledge if there is no TLS.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.0.protocol = Protocol::Http2;
        self
    }

    /// Speaks TLS 1.3: trusts every certificate of `authority` with any name, and presents `identity` if given. Sessions are not
    /// resumed, so every connection presents it.
    pub fn tls(
        mut self,
        authority: &Authority,
        identity: Option<&Identity>,
    ) -> Result<Self, Error> {
        self.0.tls = Some(tls::config(authority, identity)?);
        Ok(self)
    }

    /// Resumes TLS sessions. From the second connection on, the client does not present its certificate.
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

    /// Sends one request on a new connection.
    pub fn send(&self, request: &Request) -> Result<Response, CallError> {
        self.connect()?.send(request)
    }

    /// Sends raw `bytes` (over TLS if configured), and returns everything until the peer closes the connection. A valid HTTP/1.1
    /// request therefore needs `connection: close`.
    ///
    /// # Errors
    ///
    /// [`CallError::Refused`] if the peer closes without sending a byte.
    pub fn send_raw(&self, bytes: &[u8]) -> Result<Vec<u8>, CallError> {
        self.0.block_on(async {
            let mut stream = self.0.open().await?;
            let mut answer = Vec::new();
            let exchange = async {
                stream.write_all(bytes).await?;
                stream.flush().await?;
                stream.read_to_end(&mut answer).await
            };
            // Servers may reset the connection after rejecting a request, which is no error after a response.
            match exchange.await {
                Err(error) if answer.is_empty() => Err(CallError::from_io(&error)),
                Ok(0) => Err(CallError::Refused("closed without a response".into())),
                _ => Ok(answer),
            }
        })
    }
}
