//! A caller, parsed once and cached with the certificate or for the request.

use std::rc::Rc;

use peergate_engine::identity::{OwnedSpiffeId, PeerIdentity};

use crate::host::Bytes;

/// An owned [`PeerIdentity`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The caller presented no identity.
    Absent,
    /// The proxy has not validated the caller's certificate.
    Unvalidated,
    /// The caller did not present exactly one SPIFFE ID.
    Malformed,
    /// The workload with this SPIFFE ID.
    Verified(Rc<OwnedSpiffeId>),
}

impl Peer {
    /// The caller with this URI SAN. Several SANs, joined by commas, are not a SPIFFE ID.
    pub fn from_uri_san(san: Bytes) -> Self {
        OwnedSpiffeId::parse(san).map_or(Self::Malformed, |id| Self::Verified(Rc::new(id)))
    }

    /// The identity for the engine.
    pub fn identity(&self) -> PeerIdentity<'_> {
        match self {
            Self::Absent => PeerIdentity::Absent,
            Self::Unvalidated => PeerIdentity::Unvalidated,
            Self::Malformed => PeerIdentity::Malformed,
            Self::Verified(id) => PeerIdentity::Verified(id.borrowed()),
        }
    }
}
