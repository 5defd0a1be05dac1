//! The address and protocol of a client.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

use super::plain::PlainStream;
use crate::wait::TIMEOUT;
use crate::{CallError, Error};

/// The HTTP version of a client, which does not negotiate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// The address and protocol of a client.
#[derive(Debug)]
pub(super) struct Endpoint {
    runtime: Runtime,
    addr: SocketAddr,
    pub(super) protocol: Protocol,
    pub(super) tls: Option<ClientConfig>,
}

/// An open connection, with or without TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Endpoint {
    /// Creates an endpoint with HTTP/1.1 and no TLS.
    pub(super) fn new(addr: SocketAddr) -> Result<Self, Error> {
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

    /// Runs a call with [`TIMEOUT`].
    pub(super) fn block_on<T>(
        &self,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        self.runtime.block_on(async {
            tokio::time::timeout(TIMEOUT, call)
                .await
                .unwrap_or(Err(CallError::Timeout(TIMEOUT)))
        })
    }

    /// Opens a connection.
    pub(super) async fn open(&self) -> Result<Box<dyn Stream>, CallError> {
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
        // With an IP address as name rustls sends no SNI, which no listener here needs.
        let name = ServerName::from(self.addr.ip());
        let tls = TlsConnector::from(Arc::new(config))
            .connect(name, tcp)
            .await
            .map_err(|error| CallError::from_io(&error))?;
        Ok(Box::new(tls))
    }
}
