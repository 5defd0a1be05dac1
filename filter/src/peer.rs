//! Who calls, read once and kept: for as long as the certificate that says so, or for the request.

use std::rc::Rc;

use peergate_engine::identity::{OwnedSpiffeId, PeerIdentity};

use crate::host::Bytes;

/// Who calls, as [`PeerIdentity`] has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The caller presented no identity.
    Absent,
    /// The proxy has not validated the caller's certificate.
    Unvalidated,
    /// The caller presented something other than one SPIFFE ID.
    Malformed,
    /// The workload with this SPIFFE ID.
    Verified(Rc<OwnedSpiffeId>),
}

impl Peer {
    /// Who has this URI SAN, or these, joined by commas, which no SPIFFE ID has.
    pub fn from_uri_san(san: Bytes) -> Self {
        OwnedSpiffeId::parse(san).map_or(Self::Malformed, |id| Self::Verified(Rc::new(id)))
    }

    /// The identity that the engine asks for.
    pub fn identity(&self) -> PeerIdentity<'_> {
        match self {
            Self::Absent => PeerIdentity::Absent,
            Self::Unvalidated => PeerIdentity::Unvalidated,
            Self::Malformed => PeerIdentity::Malformed,
            Self::Verified(id) => PeerIdentity::Verified(id.borrowed()),
        }
    }
}
