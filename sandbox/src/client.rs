//! A blocking HTTP client that can also send what well-behaved clients do not.

mod connection;
mod message;
mod plain;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

pub use self::connection::Connection;
pub use self::message::{Request, Response};
use self::plain::PlainStream;
use crate::wait::PATIENCE;
use crate::{Authority, CallError, Error, Identity};

/// The version of HTTP that a client speaks; it does not negotiate.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Protocol {
    Http1,
    Http2,
}

/// A client of one address. It speaks HTTP/1.1 without TLS unless told otherwise, and opens a new
/// connection for each call but those on a [`Connection`]. Connecting, and each exchange after that,
/// may take as long as [`PATIENCE`].
#[derive(Debug)]
pub struct Client {
    runtime: Runtime,
    addr: SocketAddr,
    protocol: Protocol,
    tls: Option<ClientConfig>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Client {
    /// A client of `addr`; does not connect yet.
    pub fn new(addr: SocketAddr) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::io("start the client"))?;
        Ok(Self {
            runtime,
            addr,
            protocol: Protocol::Http1,
            tls: None,
        })
    }

    /// Speaks HTTP/2, with prior knowledge where there is no TLS.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.protocol = Protocol::Http2;
        self
    }

    /// Speaks TLS 1.3: trusts every certificate of `authority`, whatever its names, and presents
    /// `identity` if there is one. Sessions are not resumed, so each connection shows it anew.
    pub fn tls(
        mut self,
        authority: &Authority,
        identity: Option<&Identity>,
    ) -> Result<Self, Error> {
        self.tls = Some(tls::config(authority, identity)?);
        Ok(self)
    }

    /// Resumes TLS sessions: from the second connection on the server is not shown the certificate
    /// again.
    #[must_use]
    pub fn resuming(mut self) -> Self {
        if let Some(tls) = &mut self.tls {
            tls.resumption = Resumption::in_memory_sessions(8);
        }
        self
    }

    /// Opens a connection for several requests.
    pub fn connect(&self) -> Result<Connection<'_>, CallError> {
        self.block_on(Connection::open(self))
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
        self.block_on(async {
            let mut stream = self.open().await?;
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

    fn block_on<T>(
        &self,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, call)
                .await
                .unwrap_or(Err(CallError::Timeout(PATIENCE)))
        })
    }

    async fn open(&self) -> Result<Box<dyn Stream>, CallError> {
        let tcp = TcpStream::connect(self.addr)
            .await
            .map_err(CallError::Connect)?;
        tcp.set_nodelay(true).map_err(CallError::Connect)?;
        let Some(config) = &self.tls else {
            return Ok(Box::new(PlainStream::new(tcp)));
        };
        let mut config = config.clone();
        config.alpn_protocols = vec![match self.protocol {
            Protocol::Http1 => b"http/1.1".to_vec(),
            Protocol::Http2 => b"h2".to_vec(),
        }];
        // An address for a name makes rustls send no SNI, which no listener here looks at.
        let name = ServerName::from(self.addr.ip());
        let tls = TlsConnector::from(Arc::new(config))
            .connect(name, tcp)
            .await
            .map_err(|error| CallError::of_io(&error))?;
        Ok(Box::new(tls))
    }
}
