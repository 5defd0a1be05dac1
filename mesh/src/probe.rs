//! A port → how it answers callers that it should refuse.

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

/// How long a port may take to connect, and to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Who the foreigner says to be: nobody has this trust domain (RFC 2606, section 2).
const FOREIGNER: &str = "spiffe://peergate-probe.invalid/ns/probe/sa/foreigner";

/// What sidecars are told by, so that they take the caller for one of theirs (Istio's ALPN filter).
const PROTOCOLS: [&[u8]; 3] = [b"istio-http/1.1", b"istio", b"http/1.1"];

/// The first byte of an alert (RFC 8446, section 5.1): it says no in TLS, to whom speaks none.
const ALERT: u8 = 0x15;

/// How a port answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answers {
    /// To a caller without TLS.
    pub plaintext: Answer,
    /// To a caller in TLS without a certificate.
    pub no_certificate: Answer,
    /// To a caller with a certificate that it signed itself.
    pub foreign_identity: Answer,
}

/// How a port answered a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// It said something.
    Accepted,
    /// It said no, in TLS or by what it asked for.
    Refused,
    /// It ended the connection and said nothing, as a service may that does not know the protocol.
    Closed,
    /// It kept the connection and said nothing.
    Silent,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Closed => "ended without a word",
            Self::Silent => "without an answer",
        })
    }
}

/// Why a port was not tried.
#[derive(Debug, Error)]
pub(crate) enum ProbeError {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("the name has no address")]
    NoAddress,
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("cannot speak TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// An address to try: a host, which may be an address of IPv6 in brackets, and a port.
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

/// Tries a port: in plaintext, without a certificate, and with one that nobody knows who signed.
pub(crate) fn probe(address: &str) -> Result<Answers, ProbeError> {
    let addresses = address.to_socket_addrs().map_err(ProbeError::Connect)?;
    let address = addresses.into_iter().next().ok_or(ProbeError::NoAddress)?;
    let plaintext = plaintext(address)?;
    let (no_certificate, asks) = tls(address, None)?;
    let (foreign_identity, _) = tls(address, Some(FOREIGNER))?;
    Ok(Answers {
        // Sidecars do not say no to plaintext: they end it, and ask in TLS for a certificate.
        plaintext: match plaintext {
            Answer::Closed if asks => Answer::Refused,
            answer => answer,
        },
        no_certificate,
        foreign_identity,
    })
}

fn connect(address: SocketAddr) -> Result<TcpStream, ProbeError> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(ProbeError::Connect)?;
    let patience = Some(PATIENCE);
    stream
        .set_read_timeout(patience)
        .and_then(|()| stream.set_write_timeout(patience))
        .map_err(ProbeError::Connect)?;
    Ok(stream)
}

fn plaintext(address: SocketAddr) -> Result<Answer, ProbeError> {
    let mut stream = connect(address)?;
    Ok(match exchange(&mut stream, address) {
        Ok(ALERT) => Answer::Refused,
        answer => judge(&answer),
    })
}

/// How a port answers a caller in TLS, and whether it asks for a certificate.
fn tls(address: SocketAddr, identity: Option<&str>) -> Result<(Answer, bool), ProbeError> {
    let mut stream = connect(address)?;
    let name = ServerName::from(address.ip());
    let caller = Arc::new(Caller::new(identity)?);
    let config = Arc::new(config(Arc::clone(&caller))?);
    let mut connection = ClientConnection::new(config, name)?;
    let mut tls = Stream::new(&mut connection, &mut stream);
    let answer = judge(&exchange(&mut tls, address));
    let asks = caller.was_asked.load(Ordering::Relaxed);
    Ok(match answer {
        Answer::Closed if asks => (Answer::Refused, asks),
        answer => (answer, asks),
    })
}

/// Asks for something that does no harm, and returns the first byte of the answer.
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

fn judge(answer: &io::Result<u8>) -> Answer {
    match answer {
        Ok(_) => Answer::Accepted,
        Err(reason)
            if matches!(
                reason.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ) =>
        {
            Answer::Silent
        }
        // In TLS there was a word: an alert, or something that is no TLS.
        Err(reason) if reason.kind() == io::ErrorKind::InvalidData => Answer::Refused,
        Err(_) => Answer::Closed,
    }
}

/// TLS as `caller` speaks it.
fn config(caller: Arc<Caller>) -> Result<ClientConfig, ProbeError> {
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer::new(provider)))
        .with_client_cert_resolver(caller);
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

/// Who calls, and whether the port asked.
#[derive(Debug)]
struct Caller {
    certified: Option<Arc<CertifiedKey>>,
    was_asked: AtomicBool,
}

impl Caller {
    /// A caller with a certificate for `identity` that it signed itself, or without one.
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

impl ResolvesClientCert for Caller {
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
