//! Determines the caller from its certificate.
//!
//! An X.509-SVID has exactly one URI SAN (X.509-SVID specification, section 2), and a caller with
//! several must be denied. But the proxy's attribute contains only the first URI SAN. The
//! certificate itself has them all (`connection.peer_certificate`, since Envoy 1.38), but parsing
//! it for each request would be expensive. So the filter fetches the certificate's SHA-256 digest
//! instead of the SAN, at the same cost, and caches results by digest. The proxy computes the
//! digest over the whole certificate, so a client cannot pass one certificate off as another, and
//! all connections of a worker share the cache. The connection ID is not a suitable key, because
//! with QUIC it is a hash of client-chosen data. Nor is `x-forwarded-client-cert`, which only some
//! listeners set.
//!
//! Parsing the certificate can only take an identity away. Before Envoy 1.38 it is not available,
//! and the first URI SAN counts.
//!
//! A caller is anonymous only without a certificate. A certificate without a URI SAN is malformed,
//! whether or not it has other names, so a rule that matches every certificate cannot miss it.

mod validations;

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use peergate_engine::identity::{ClientCertificate, NameKind};
use peergate_engine::plugin_config::CertificateValidation;
use rustc_hash::FxHashMap;

use crate::certificate::Certificate;
use crate::host::{Bytes, Host};
use crate::peer::Peer;

use validations::Validations;

const DIGEST: &[u8] = b"connection\0sha256_peer_certificate_digest";
const FIRST_URI_SAN: &[u8] = b"connection\0uri_san_peer_certificate";
const SUBJECT: &[u8] = b"connection\0subject_peer_certificate";
const CERTIFICATE: &[u8] = b"connection\0peer_certificate";

/// The maximum number of cached certificates. Callers renew theirs several times a day, so the
/// cache fills up with expired ones. Then it is cleared, and active certificates are parsed again.
const MAX_CERTIFICATES: usize = 1024;

/// The certificates of a policy's callers.
#[derive(Default)]
pub struct PeerCertificates {
    validation: CertificateValidation,
    /// Whether client certificates from outside the mesh identify callers.
    accepts_outsiders: bool,
    by_digest: Cell<FxHashMap<Bytes, KnownCertificate>>,
}

/// The result of parsing a certificate.
struct KnownCertificate {
    peer: Peer,
    names: Option<Rc<ClientCertificate>>,
    validations: Validations,
}

impl PeerCertificates {
    /// An empty cache for a proxy with this validation. `accepts_outsiders` tells whether client
    /// certificates from outside the mesh identify callers.
    pub fn new(validation: CertificateValidation, accepts_outsiders: bool) -> Self {
        Self {
            validation,
            accepts_outsiders,
            ..Self::default()
        }
    }

    /// The caller according to the certificate of the current connection, and the certificate
    /// itself if it is from outside the mesh and all its names are known.
    pub fn peer(&self, host: &impl Host) -> (Peer, Option<Rc<ClientCertificate>>) {
        let Some(digest) = host.property(DIGEST) else {
            return (Peer::Absent, None);
        };
        let mut by_digest = self.by_digest.take();
        if by_digest.len() >= MAX_CERTIFICATES && !by_digest.contains_key(&digest) {
            by_digest.clear();
        }
        let known = by_digest
            .entry(digest)
            .or_insert_with(|| parse_certificate(host, self.accepts_outsiders));
        let found = if known.validations.is_validated(self.validation, host) {
            (known.peer.clone(), known.names.clone())
        } else {
            (Peer::Unvalidated, None)
        };
        self.by_digest.set(by_digest);
        found
    }
}

fn parse_certificate(host: &impl Host, accepts_outsiders: bool) -> KnownCertificate {
    let read = host
        .property(CERTIFICATE)
        .map(|pem| Certificate::read(&pem));
    let ids = read.as_ref().map(|read| Some(read.as_ref()?.ids()));
    let peer = match (host.property(FIRST_URI_SAN), ids) {
        // Limited to the length of a SPIFFE ID, which bounds the cache.
        (Some(san), None | Some(Some(1))) => Peer::from_uri_san(san),
        // Several, none, or an empty one, which the proxy reports as none.
        _ => Peer::Malformed,
    };
    let read = read.flatten();
    let names = read
        .as_ref()
        .filter(|_| accepts_outsiders)
        .and_then(|read| {
            // The proxy formats it as in RFC 2253.
            let subject = host.property(SUBJECT);
            let subject = subject
                .iter()
                .map(|subject| (NameKind::Subject, &**subject));
            let names = read.names.iter().map(|(kind, name)| (*kind, &**name));
            ClientCertificate::new(names.chain(subject))
        });
    KnownCertificate {
        peer,
        names: names.map(Rc::new),
        validations: Validations::new(read.and_then(|read| read.not_after)),
    }
}

/// Omits the callers' names.
impl fmt::Debug for PeerCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificates").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
