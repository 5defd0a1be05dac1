//! Who the caller's certificate says it is.
//!
//! A certificate with several URI SANs is not an X.509-SVID (X.509-SVID specification, section 2),
//! and its caller must be denied; but the attribute with the URI SAN is only the first. The
//! certificate itself tells (`connection.peer_certificate`, Envoy 1.38 and later), and reading
//! that for each request would double what the caller costs. So each certificate is looked into
//! once, and known again by its SHA-256 digest, which the proxy computes and which costs as much
//! to read as the SAN that it stands for. The digest is the certificate: nothing a client chooses
//! can make one pass for another, and a worker's connections share what was found. The id of the
//! connection would not do as a key, since under QUIC it is a hash of what the client chose and
//! comes again; `x-forwarded-client-cert` would not either, since only some listeners overwrite
//! what the client sent.
//!
//! Looking into the certificate can only take an identity away. Before Envoy 1.38 there is no
//! certificate to look into, and the first URI SAN stands, as in Envoy's own attributes.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::certificate::count_uri_sans;
use crate::host::{Bytes, Host};

const DIGEST: &[u8] = b"connection\0sha256_peer_certificate_digest";
const FIRST_URI_SAN: &[u8] = b"connection\0uri_san_peer_certificate";
const CERTIFICATE: &[u8] = b"connection\0peer_certificate";

/// How many certificates are remembered. Callers renew theirs several times a day, so at some time
/// all are forgotten, and those still in use are looked into again.
const MOST: usize = 1024;

/// What a certificate says of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateIdentity {
    /// Nothing: there is no certificate, or none with a URI SAN.
    Absent,
    /// Something other than one URI SAN.
    Malformed,
    /// The only URI SAN.
    UriSan(Rc<[u8]>),
}

/// The certificates that a worker has seen.
#[derive(Default)]
pub struct PeerCertificates {
    by_digest: Cell<FxHashMap<Bytes, CertificateIdentity>>,
}

impl PeerCertificates {
    /// The identity in the certificate of the connection that the proxy is at.
    pub fn identity(&self, host: &impl Host) -> CertificateIdentity {
        let Some(digest) = host.property(DIGEST) else {
            return CertificateIdentity::Absent;
        };
        let mut by_digest = self.by_digest.take();
        let identity = if let Some(identity) = by_digest.get(&digest) {
            identity.clone()
        } else {
            if by_digest.len() >= MOST {
                by_digest.clear();
            }
            let identity = read(host);
            by_digest.insert(digest, identity.clone());
            identity
        };
        self.by_digest.set(by_digest);
        identity
    }
}

fn read(host: &impl Host) -> CertificateIdentity {
    let Some(san) = host.property(FIRST_URI_SAN) else {
        return CertificateIdentity::Absent;
    };
    match host.property(CERTIFICATE) {
        Some(pem) if count_uri_sans(&pem) != Some(1) => CertificateIdentity::Malformed,
        Some(_) | None => CertificateIdentity::UriSan(san.into()),
    }
}

/// Says nothing of the callers.
impl fmt::Debug for PeerCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificates").finish_non_exhaustive()
    }
}
