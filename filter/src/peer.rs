//! The identity of a caller, parsed once and kept with its certificate or for the request.

use peergate_engine::identity::{OwnedSpiffeId, PeerIdentity};

use crate::host::Bytes;

/// An owned [`PeerIdentity`] that a certificate or a waypoint proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The caller did not present exactly one SPIFFE ID.
    Malformed,
    /// The workload with this SPIFFE ID.
    Verified(OwnedSpiffeId),
}

impl Peer {
    /// The caller with this URI SAN. Several SANs, joined by commas, are not a SPIFFE ID.
    pub fn from_uri_san(san: Bytes) -> Self {
        OwnedSpiffeId::parse(san).map_or(Self::Malformed, Self::Verified)
    }

    /// The identity for the engine.
    pub fn identity(&self) -> PeerIdentity<'_> {
        match self {
            Self::Malformed => PeerIdentity::Malformed,
            Self::Verified(id) => PeerIdentity::Verified(id.borrowed()),
        }
    }
}
