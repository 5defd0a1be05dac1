//! Who the caller's certificate says it is.
//!
//! An X.509-SVID has exactly one URI SAN (X.509-SVID specification, section 2), and the caller
//! with several must be denied; but the proxy's attribute for the URI SAN is only the first. The
//! certificate itself tells (`connection.peer_certificate`, from Envoy 1.38 on), and to walk
//! through it for each request would be dear. So the proxy is asked for the certificate's SHA-256
//! digest in place of the SAN, which costs the same, and what was found in a certificate is kept
//! by its digest. The digest is computed by the proxy and stands for the whole certificate, so
//! nothing a client sends makes one certificate pass for another, and all connections of a worker
//! share what was found. The id of the connection is no such key: with QUIC it is a hash of what
//! the client may choose. Nor is `x-forwarded-client-cert`, which only some listeners set.
//!
//! Looking into the certificate can only take an identity away. Before Envoy 1.38 there is nothing
//! to look into, and the first URI SAN stands.
//!
//! A caller is anonymous only without a certificate. A certificate without a URI SAN is malformed,
//! whatever other names it has, and also if it has none: a rule about every certificate cannot miss it.

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

/// How many certificates are kept. Callers renew theirs several times a day, so in the end the
/// dead ones fill the place; then all are forgotten, and the living are looked into once more.
const MOST: usize = 1024;

/// The certificates that a policy's callers have shown.
#[derive(Default)]
pub struct PeerCertificates {
    validation: CertificateValidation,
    /// Whether clients from outside the mesh are callers of their own.
    takes_outsiders: bool,
    by_digest: Cell<FxHashMap<Bytes, KnownCertificate>>,
}

/// What was found in a certificate.
struct KnownCertificate {
    peer: Peer,
    names: Option<Rc<ClientCertificate>>,
    validations: Validations,
}

impl PeerCertificates {
    /// No certificates yet, at a proxy that validates them so. `takes_outsiders` says whether clients from
    /// outside the mesh are callers of their own.
    pub fn new(validation: CertificateValidation, takes_outsiders: bool) -> Self {
        Self {
            validation,
            takes_outsiders,
            ..Self::default()
        }
    }

    /// Who calls by the certificate of the connection that `host` is at, and the certificate itself,
    /// where that is from outside the mesh and all its names are known.
    pub fn peer(&self, host: &impl Host) -> (Peer, Option<Rc<ClientCertificate>>) {
        let Some(digest) = host.property(DIGEST) else {
            return (Peer::Absent, None);
        };
        let mut by_digest = self.by_digest.take();
        if by_digest.len() >= MOST && !by_digest.contains_key(&digest) {
            by_digest.clear();
        }
        let known = by_digest
            .entry(digest)
            .or_insert_with(|| look_into_certificate(host, self.takes_outsiders));
        let found = if known.validations.is_validated(self.validation, host) {
            (known.peer.clone(), known.names.clone())
        } else {
            (Peer::Unvalidated, None)
        };
        self.by_digest.set(by_digest);
        found
    }
}

fn look_into_certificate(host: &impl Host, takes_outsiders: bool) -> KnownCertificate {
    let read = host
        .property(CERTIFICATE)
        .map(|pem| Certificate::read(&pem));
    let ids = read.as_ref().map(|read| Some(read.as_ref()?.ids()));
    let peer = match (host.property(FIRST_URI_SAN), ids) {
        // No longer than a SPIFFE ID may be, so what is kept is bounded.
        (Some(san), None | Some(Some(1))) => Peer::from_uri_san(san),
        // More than one, none, or one that is empty, which the proxy reports as none.
        _ => Peer::Malformed,
    };
    let read = read.flatten();
    let names = read.as_ref().filter(|_| takes_outsiders).and_then(|read| {
        // The proxy writes it as RFC 2253 does.
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
        validations: Validations::of(read.and_then(|read| read.not_after)),
    }
}

/// Without the callers' names.
impl fmt::Debug for PeerCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificates").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
