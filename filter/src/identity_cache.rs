//! Who the peer is, worked out once for each certificate.
//!
//! Every request asks the proxy for the peer's certificate: one host call, no dearer than the
//! one for its name. What follows from a certificate never changes, so a copy that was seen before
//! answers at once; of one that was not, the names are counted and the name is asked for. An Envoy
//! before 1.38 does not give the certificate: then its first name has to do.

use std::cell::RefCell;
use std::hash::Hasher as _;
use std::rc::Rc;

use policy_schema::identity::PeerIdentity;
use rustc_hash::FxHasher;

use crate::certificate::count_uri_names;
use crate::host::Host;

const CERTIFICATE: &[u8] = b"connection\0peer_certificate";
const URI_NAME: &[u8] = b"connection\0uri_san_peer_certificate";
/// Where waypoints and HBONE leave the identity of the outer connection.
const PEER_PRINCIPAL: &[u8] = b"filter_state\0io.istio.peer_principal";

/// How many certificates are remembered. A workload has rarely more callers at a time, and each
/// takes one or two kilobytes.
const SLOTS: usize = 64;

/// What the proxy knows of a peer's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PeerName {
    /// Nothing.
    Absent,
    /// More or less than one name.
    NotOne,
    /// This one, which may be a SPIFFE ID or not.
    One(Vec<u8>),
}

impl PeerName {
    /// The identity that the name stands for.
    pub(crate) fn identity(&self) -> PeerIdentity<'_> {
        match self {
            Self::Absent => PeerIdentity::Absent,
            Self::NotOne => PeerIdentity::Malformed,
            Self::One(name) => PeerIdentity::from_uri_san(Some(name)),
        }
    }
}

/// The certificates that this VM has seen of late.
#[derive(Debug, Default)]
pub(crate) struct IdentityCache {
    slots: RefCell<Vec<Option<Rc<Seen>>>>,
}

#[derive(Debug)]
pub(crate) struct Seen {
    certificate: Vec<u8>,
    pub(crate) name: PeerName,
}

impl IdentityCache {
    /// The name of the peer of the current request.
    pub(crate) fn peer(&self, host: &impl Host) -> Rc<Seen> {
        match host.property(CERTIFICATE) {
            Some(certificate) if !certificate.is_empty() => self.peer_with(certificate, host),
            _ => Rc::new(Seen {
                certificate: Vec::new(),
                name: name_without_certificate(host),
            }),
        }
    }

    fn peer_with(&self, certificate: Vec<u8>, host: &impl Host) -> Rc<Seen> {
        let slot = slot_of(&certificate);
        let known = self
            .slots
            .borrow()
            .get(slot)
            .and_then(Option::as_ref)
            .filter(|seen| seen.certificate == certificate)
            .map(Rc::clone);
        if let Some(known) = known {
            return known;
        }
        let name = match (count_uri_names(&certificate), host.property(URI_NAME)) {
            (Some(0), None) => PeerName::Absent,
            (Some(1), Some(name)) => PeerName::One(name),
            _ => PeerName::NotOne,
        };
        let seen = Rc::new(Seen { certificate, name });
        let mut slots = self.slots.borrow_mut();
        slots.resize_with(SLOTS, || None);
        if let Some(slot) = slots.get_mut(slot) {
            *slot = Some(Rc::clone(&seen));
        }
        seen
    }
}

/// Certificates differ where they are signed, so no key is needed against collisions: they cost a
/// look at the certificate, and the whole of it is compared.
fn slot_of(certificate: &[u8]) -> usize {
    let mut hasher = FxHasher::default();
    hasher.write(certificate);
    usize::try_from(hasher.finish() % SLOTS as u64).unwrap_or_default()
}

fn name_without_certificate(host: &impl Host) -> PeerName {
    let name = host
        .property(URI_NAME)
        .filter(|name| !name.is_empty())
        .or_else(|| host.property(PEER_PRINCIPAL))
        .filter(|name| !name.is_empty());
    name.map_or(PeerName::Absent, PeerName::One)
}
