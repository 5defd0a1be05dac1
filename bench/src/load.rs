//! The client, the upstream and the authorizer: all of them in one thread, so that they share one CPU with nothing between them.

mod authorizer;
mod stream;
mod upstream;

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use hyper::StatusCode;
use peergate_sandbox::{Authority, Leaf};
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

use self::stream::Stream;
use crate::caller::Caller;
use crate::error::BenchError;
use crate::protocol::Protocol;

/// The number of requests at a time. A proxy that wakes up for each request has a higher cost by itself.
pub const STREAMS: usize = 16;
/// The number of HTTP/2 connections that share the streams.
const HTTP2_CONNECTIONS: usize = 2;

/// The load on all proxies. Its upstream and authorizer only run during its calls.
#[derive(Debug)]
pub struct Load {
    runtime: Runtime,
    /// Where proxies send requests.
    pub upstream: SocketAddr,
    /// Where proxies ask for authorization.
    pub authorizer: SocketAddr,
}

/// Open connections of one caller to one proxy.
#[derive(Debug)]
pub struct Connections {
    streams: Vec<Stream>,
    expected: StatusCode,
}

impl Load {
    /// Starts the upstream, and an authorizer that lets these callers pass.
    pub fn start(callers: impl IntoIterator<Item = Caller>) -> Result<Self, BenchError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let bind = || runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let (upstream, authorizer) = (bind()?, bind()?);
        let load = (upstream.local_addr()?, authorizer.local_addr()?);
        let callers = callers.into_iter().map(|caller| caller.id).collect();
        runtime.spawn(upstream::serve(upstream));
        runtime.spawn(authorizer::serve(authorizer, callers));
        Ok(Self {
            runtime,
            upstream: load.0,
            authorizer: load.1,
        })
    }

    /// Connects to a proxy as `caller`. All responses must have the status `expected`.
    pub fn connect(
        &self,
        proxy: SocketAddr,
        protocol: Protocol,
        authority: &Authority,
        caller: &Caller,
        expected: StatusCode,
    ) -> Result<Connections, BenchError> {
        let tls = tls(protocol, authority, caller)?;
        self.runtime.block_on(async {
            let open = || async {
                let tcp = TcpStream::connect(proxy).await?;
                tcp.set_nodelay(true)?;
                let name = ServerName::from(IpAddr::from(Ipv4Addr::LOCALHOST));
                let io = tls.connect(name, tcp).await?;
                Stream::open(protocol, io, &caller.path).await
            };
            let mut streams: Vec<Stream> = Vec::with_capacity(STREAMS);
            for number in 0..STREAMS {
                let shared = match protocol {
                    Protocol::Http1 => None,
                    Protocol::Http2 if number < HTTP2_CONNECTIONS => None,
                    Protocol::Http2 => streams
                        .get(number % HTTP2_CONNECTIONS)
                        .and_then(Stream::on_the_same_connection),
                };
                streams.push(match shared {
                    Some(stream) => stream,
                    None => open().await?,
                });
            }
            Ok(Connections { streams, expected })
        })
    }

    /// Sends requests on all streams, each as soon as the one before is answered.
    ///
    /// Returns the number of requests: `requests`, rounded up to a multiple of [`STREAMS`].
    pub fn send(
        &self,
        connections: &mut Connections,
        requests: usize,
    ) -> Result<usize, BenchError> {
        let each = requests.div_ceil(STREAMS);
        let expected = connections.expected;
        let exchanges = connections.streams.iter_mut().map(|stream| async move {
            for _ in 0..each {
                stream.exchange(expected).await?;
            }
            Ok::<_, BenchError>(())
        });
        self.runtime.block_on(try_join_all(exchanges))?;
        Ok(each * STREAMS)
    }

    /// Sends one request on one stream.
    pub fn send_one(&self, connections: &mut Connections) -> Result<(), BenchError> {
        let expected = connections.expected;
        match connections.streams.first_mut() {
            Some(stream) => self.runtime.block_on(stream.exchange(expected)),
            None => Ok(()),
        }
    }

    /// Sends `per_second` requests each second at fixed times, and returns how long after its time each was answered.
    ///
    /// A request whose time has come waits for a free stream, so that a slow answer also delays the requests after it. The thread
    /// never sleeps, so that waking up is not part of any latency.
    pub fn latencies(
        &self,
        connections: &mut Connections,
        per_second: u32,
        duration: Duration,
    ) -> Result<Vec<Duration>, BenchError> {
        let expected = connections.expected;
        let interval = Duration::from_secs(1) / per_second.max(1);
        let start = Instant::now();
        let next = Cell::new(start);
        let next = &next;
        let exchanges = connections.streams.iter_mut().map(|stream| async move {
            let mut latencies = Vec::new();
            loop {
                let due = next.get();
                if due >= start + duration {
                    return Ok::<_, BenchError>(latencies);
                }
                next.set(due + interval);
                while Instant::now() < due {
                    tokio::task::yield_now().await;
                }
                stream.exchange(expected).await?;
                latencies.push(due.elapsed());
            }
        });
        let latencies = self.runtime.block_on(try_join_all(exchanges))?;
        Ok(latencies.into_iter().flatten().collect())
    }
}

/// A configuration that presents a new certificate of the caller. Sessions are not resumed, so that each connection presents it.
fn tls(
    protocol: Protocol,
    authority: &Authority,
    caller: &Caller,
) -> Result<TlsConnector, BenchError> {
    let identity = authority.issue(&Leaf::spiffe(&caller.id))?;
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone())?;
    let mut config =
        rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(identity.chain, identity.key)?;
    config.resumption = rustls::client::Resumption::disabled();
    config.alpn_protocols = vec![match protocol {
        Protocol::Http1 => b"http/1.1".to_vec(),
        Protocol::Http2 => b"h2".to_vec(),
    }];
    Ok(TlsConnector::from(Arc::new(config)))
}
