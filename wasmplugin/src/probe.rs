//! A port → how it answers callers that it should refuse.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, Stream};
use serde::Serialize;
use thiserror::Error;

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
pub(crate) struct Answers {
    pub(crate) plaintext: Answer,
    pub(crate) no_certificate: Answer,
    pub(crate) foreign_identity: Answer,
}

/// How a port answered a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Answer {
    /// It said something.
    Accepted,
    /// It ended the connection.
    Refused,
    /// It kept the connection and said nothing.
    Silent,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
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

/// Tries a port: in plaintext, without a certificate, and with one that nobody knows who signed.
pub(crate) fn probe(address: &str) -> Result<Answers, ProbeError> {
    let addresses = address.to_socket_addrs().map_err(ProbeError::Connect)?;
    let address = addresses.into_iter().next().ok_or(ProbeError::NoAddress)?;
    Ok(Answers {
        plaintext: plaintext(address)?,
        no_certificate: tls(address, config(None)?)?,
        foreign_identity: tls(address, config(Some(FOREIGNER))?)?,
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

fn tls(address: SocketAddr, config: ClientConfig) -> Result<Answer, ProbeError> {
    let mut stream = connect(address)?;
    let name = ServerName::from(address.ip());
    let mut connection = ClientConnection::new(Arc::new(config), name)?;
    Ok(judge(&exchange(
        &mut Stream::new(&mut connection, &mut stream),
        address,
    )))
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
        Err(_) => Answer::Refused,
    }
}

/// A caller with a certificate for `identity` that it signed itself, or without one.
fn config(identity: Option<&str>) -> Result<ClientConfig, ProbeError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)));
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let (certificate, key) = self_signed(identity)?;
            builder.with_client_auth_cert(vec![certificate], key)?
        }
    };
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(config)
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

/// Takes every server for the one that was meant: nothing is told it that it should not know.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
