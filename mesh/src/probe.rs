//! Probes a port with callers that it should reject.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, SignatureScheme, Stream};
use serde::Serialize;
use thiserror::Error;

use crate::any_server::AnyServer;

/// The timeout to connect and to respond.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The identity of the foreign caller, with a reserved trust domain (RFC 2606, section 2).
const FOREIGNER: &str = "spiffe://peergate-probe.invalid/ns/probe/sa/foreigner";

/// The ALPN protocols of sidecars, so that the port treats the caller as one (Istio's ALPN filter).
const PROTOCOLS: [&[u8]; 3] = [b"istio-http/1.1", b"istio", b"http/1.1"];

/// The first byte of a TLS alert (RFC 8446, section 5.1), sent by a TLS server to a client that is not speaking TLS.
const ALERT: u8 = 0x15;

/// The results of probing a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeAnswers {
    /// The result without TLS.
    pub plaintext: ProbeAnswer,
    /// The result with TLS but without a certificate.
    pub no_certificate: ProbeAnswer,
    /// The result with a self-signed certificate.
    pub foreign_identity: ProbeAnswer,
}

/// The result of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ProbeAnswer {
    /// The port responded.
    Accepted,
    /// The port rejected the caller, with a TLS alert or by requesting a certificate.
    Refused,
    /// The port closed the connection without a response. A service that does not know the protocol may do so too.
    Closed,
    /// The port kept the connection open without a response.
    Silent,
}

impl fmt::Display for ProbeAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "accepted",
            Self::Refused => "rejected",
            Self::Closed => "closed without a response",
            Self::Silent => "no response",
        })
    }
}

/// Why a port cannot be probed.
#[derive(Debug, Error)]
pub(crate) enum ProbeError {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("the host has no address")]
    NoAddress,
    #[error("cannot create a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Parses an address: a host, or an IPv6 address in brackets, and a port.
pub fn parse_address(text: &str) -> Result<String, String> {
    let parts = text.rsplit_once(':');
    let port = parts.and_then(|(_, port)| port.parse::<u16>().ok());
    let is_host = |host: &str| {
        if let Some(rest) = host.strip_prefix('[') {
            let address = rest.strip_suffix(']');
            return address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
        }
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        !host.is_empty() && host.bytes().all(is_of_name)
    };
    match (parts, port) {
        (Some((host, _)), Some(1..)) if is_host(host) => Ok(text.to_owned()),
        _ => {
            Err("write a host and a port, such as `10.8.0.14:8080` or `[fd00::1]:8080`".to_owned())
        }
    }
}

/// Probes a port with plaintext, without a certificate and with a self-signed certificate.
pub(crate) fn probe(address: &str) -> Result<ProbeAnswers, ProbeError> {
    let addresses = address.to_socket_addrs().map_err(ProbeError::Connect)?;
    let address = addresses.into_iter().next().ok_or(ProbeError::NoAddress)?;
    let plaintext = plaintext(address)?;
    let (no_certificate, asks) = tls(address, None)?;
    let (foreign_identity, _) = tls(address, Some(FOREIGNER))?;
    Ok(ProbeAnswers {
        // Sidecars close plaintext connections without an alert, and request a certificate in TLS.
        plaintext: match plaintext {
            ProbeAnswer::Closed if asks => ProbeAnswer::Refused,
            answer => answer,
        },
        no_certificate,
        foreign_identity,
    })
}

fn connect(address: SocketAddr) -> Result<TcpStream, ProbeError> {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT).map_err(ProbeError::Connect)?;
    let timeout = Some(TIMEOUT);
    stream
        .set_read_timeout(timeout)
        .and_then(|()| stream.set_write_timeout(timeout))
        .map_err(ProbeError::Connect)?;
    Ok(stream)
}

fn plaintext(address: SocketAddr) -> Result<ProbeAnswer, ProbeError> {
    let mut stream = connect(address)?;
    Ok(match exchange(&mut stream, address) {
        Ok(ALERT) => ProbeAnswer::Refused,
        answer => judge(&answer),
    })
}

/// Probes with TLS. Also returns whether the port requests a certificate.
fn tls(address: SocketAddr, identity: Option<&str>) -> Result<(ProbeAnswer, bool), ProbeError> {
    let mut stream = connect(address)?;
    let name = ServerName::from(address.ip());
    let caller = Arc::new(ClientIdentity::new(identity)?);
    let config = Arc::new(config(Arc::clone(&caller))?);
    let mut connection = ClientConnection::new(config, name)?;
    let mut tls = Stream::new(&mut connection, &mut stream);
    let answer = judge(&exchange(&mut tls, address));
    let asks = caller.was_asked.load(Ordering::Relaxed);
    Ok(match answer {
        ProbeAnswer::Closed if asks => (ProbeAnswer::Refused, asks),
        answer => (answer, asks),
    })
}

/// Sends a harmless request, and returns the first byte of the response.
fn exchange(stream: &mut (impl Read + Write), address: SocketAddr) -> io::Result<u8> {
    let request = format!(
        "OPTIONS / HTTP/1.1\r\nhost: {address}\r\nuser-agent: peergate-verify\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut first = [0];
    stream.read_exact(&mut first)?;
    Ok(u8::from_be_bytes(first))
}

fn judge(answer: &io::Result<u8>) -> ProbeAnswer {
    match answer {
        Ok(_) => ProbeAnswer::Accepted,
        Err(reason)
            if matches!(
                reason.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ) =>
        {
            ProbeAnswer::Silent
        }
        // The peer sent a TLS alert or something other than TLS.
        Err(reason) if reason.kind() == io::ErrorKind::InvalidData => ProbeAnswer::Refused,
        Err(_) => ProbeAnswer::Closed,
    }
}

/// The TLS config of `caller`.
fn config(caller: Arc<ClientIdentity>) -> Result<ClientConfig, ProbeError> {
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer::new(provider)))
        .with_client_cert_resolver(caller);
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

/// The client certificate, and whether the port requested it.
#[derive(Debug)]
struct ClientIdentity {
    certified: Option<Arc<CertifiedKey>>,
    was_asked: AtomicBool,
}

impl ClientIdentity {
    /// Creates a self-signed certificate for `identity`, if there is one.
    fn new(identity: Option<&str>) -> Result<Self, ProbeError> {
        let certified = identity.map(|identity| -> Result<_, ProbeError> {
            let (certificate, key) = self_signed(identity)?;
            let key = ring::default_provider()
                .key_provider
                .load_private_key(key)?;
            Ok(Arc::new(CertifiedKey::new(vec![certificate], key)))
        });
        Ok(Self {
            certified: certified.transpose()?,
            was_asked: AtomicBool::new(false),
        })
    }
}

impl ResolvesClientCert for ClientIdentity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was_asked.store(true, Ordering::Relaxed);
        self.certified.clone()
    }

    fn has_certs(&self) -> bool {
        self.certified.is_some()
    }
}

fn self_signed(
    identity: &str,
) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "peergate-probe");
    params.subject_alt_names = vec![SanType::URI(identity.try_into()?)];
    let certificate = params.self_signed(&key)?;
    Ok((certificate.into(), key.into()))
}
