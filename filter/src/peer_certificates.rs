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

use std::cell::{Cell, RefCell};
use std::fmt;
use std::hash::Hasher as _;
use std::rc::Rc;

use hashbrown::HashTable;
use peergate_engine::engine::{CallerClasses, CompiledPolicy};
use peergate_engine::identity::{ClientCertificate, NameKind, PeerIdentity};
use peergate_engine::plugin_config::CertificateValidation;
use rustc_hash::FxHasher;

use crate::certificate::Certificate;
use crate::host::Host;
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
    /// By digest.
    known: Cell<HashTable<Rc<KnownCertificate>>>,
}

/// The certificate of the current connection.
#[derive(Debug)]
pub enum ConnectionCertificate {
    /// The client presented none.
    Absent,
    /// The proxy has not validated it.
    Unvalidated,
    /// A validated one.
    Known(Rc<KnownCertificate>),
}

/// The result of parsing a certificate.
pub struct KnownCertificate {
    digest: Box<[u8]>,
    peer: Peer,
    classes: Option<CallerClasses>,
    /// The position of the rule that allows every request of the caller, once that is known.
    allowed_by: Cell<Option<usize>>,
    names: Option<ClientCertificate>,
    validations: RefCell<Validations>,
}

impl ConnectionCertificate {
    /// The caller.
    pub fn peer(&self) -> PeerIdentity<'_> {
        match self {
            Self::Absent => PeerIdentity::Absent,
            Self::Unvalidated => PeerIdentity::Unvalidated,
            Self::Known(known) => known.peer.identity(),
        }
    }
}

impl KnownCertificate {
    /// The rules that may match the caller.
    pub fn classes(&self) -> Option<&CallerClasses> {
        self.classes.as_ref()
    }

    /// The position of the rule that allows every request of the caller, if that is known.
    pub fn allowed_by(&self) -> Option<usize> {
        self.allowed_by.get()
    }

    /// Keeps the rule that allows every request of the caller.
    pub fn keep_allowing_rule(&self, position: usize) {
        self.allowed_by.set(Some(position));
    }

    /// The certificate itself if it is from outside the mesh and all its names are known.
    pub fn names(&self) -> Option<&ClientCertificate> {
        self.names.as_ref()
    }
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

    /// The certificate of the current connection. `policy` must always be the same.
    pub fn current(&self, policy: &CompiledPolicy, host: &impl Host) -> ConnectionCertificate {
        let Some(digest) = host.property(DIGEST) else {
            return ConnectionCertificate::Absent;
        };
        let mut known = self.known.take();
        let hash = hash(&digest);
        let found = known.find(hash, |known| *known.digest == *digest);
        let certificate = found.cloned().unwrap_or_else(|| {
            let parsed = Rc::new(self.parse(&digest, policy, host));
            if known.len() >= MAX_CERTIFICATES {
                known.clear();
            }
            known.insert_unique(hash, Rc::clone(&parsed), |known| self::hash(&known.digest));
            parsed
        });
        self.known.set(known);
        let is_validated = self.validation == CertificateValidation::ByListener
            || certificate
                .validations
                .borrow_mut()
                .is_validated(self.validation, host);
        if is_validated {
            ConnectionCertificate::Known(certificate)
        } else {
            ConnectionCertificate::Unvalidated
        }
    }

    fn parse(&self, digest: &[u8], policy: &CompiledPolicy, host: &impl Host) -> KnownCertificate {
        let read = host
            .property(CERTIFICATE)
            .map(|pem| Certificate::read(&pem));
        let ids = read.as_ref().map(|read| Some(read.as_ref()?.ids()));
        let peer = match (host.property(FIRST_URI_SAN), ids) {
            // Limited to the length of a SPIFFE ID, which bounds the cache.
            (Some(san), None | Some(Some(1))) => Peer::from_uri_san(san.to_vec()),
            // Several, none, or an empty one, which the proxy reports as none.
            _ => Peer::Malformed,
        };
        let read = read.flatten();
        let names = read
            .as_ref()
            .filter(|_| self.accepts_outsiders)
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
            digest: digest.into(),
            classes: policy.classes_of(peer.identity()),
            allowed_by: Cell::new(None),
            peer,
            names,
            validations: RefCell::new(Validations::new(read.and_then(|read| read.not_after))),
        }
    }
}

/// Hashes the beginning of a digest. Digests with the same beginning only cost comparisons, with at
/// most [`MAX_CERTIFICATES`] others.
fn hash(digest: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write_u64(
        digest
            .first_chunk()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes)),
    );
    hasher.finish()
}

/// Omits the callers' names.
impl fmt::Debug for PeerCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificates").finish_non_exhaustive()
    }
}

/// Omits the caller's names.
impl fmt::Debug for KnownCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownCertificate").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
