//! What the engine asks about a request.

use crate::identity::PeerIdentity;
use crate::timestamp::Timestamp;

/// The attributes of a request, each asked for only when a rule that is still in question needs
/// it: in a proxy each answer costs a call to the host. The engine may ask twice.
///
/// `None` is for what the request does not have. It matches no pattern; under `not…` it counts
/// against the caller: it fails an `Allow` rule and satisfies a `Deny` rule.
pub trait RequestAttributes {
    /// The identity that the connection's handshake verified.
    fn peer(&self) -> PeerIdentity<'_>;
    /// `:method`.
    fn method(&self) -> Option<&[u8]>;
    /// `:path` as the proxy normalised it, without query and fragment
    /// ([`path_without_query`]).
    fn path(&self) -> Option<&[u8]>;
    /// `:authority`, with the port if it has one.
    fn host(&self) -> Option<&[u8]>;
    /// The workload's own port that the connection arrived at.
    fn port(&self) -> Option<u16>;
    /// The time of the request. Without it no timed `Allow` rule applies, and every timed `Deny`
    /// rule does.
    fn now(&self) -> Option<Timestamp>;
}

/// A request whose attributes are all at hand.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// The identity that the connection's handshake verified.
    pub peer: PeerIdentity<'r>,
    /// `:method`.
    pub method: Option<&'r [u8]>,
    /// `:path`, with or without query and fragment.
    pub path: Option<&'r [u8]>,
    /// `:authority`.
    pub host: Option<&'r [u8]>,
    /// The workload's own port that the connection arrived at.
    pub port: Option<u16>,
    /// The time of the request.
    pub now: Timestamp,
}

impl RequestAttributes for Request<'_> {
    fn peer(&self) -> PeerIdentity<'_> {
        self.peer
    }

    fn method(&self) -> Option<&[u8]> {
        self.method
    }

    fn path(&self) -> Option<&[u8]> {
        self.path.map(path_without_query)
    }

    fn host(&self) -> Option<&[u8]> {
        self.host
    }

    fn port(&self) -> Option<u16> {
        self.port
    }

    fn now(&self) -> Option<Timestamp> {
        Some(self.now)
    }
}

/// The path up to the first `?` or `#`, as Envoy's RBAC sees it (`url_path`).
pub fn path_without_query(path: &[u8]) -> &[u8] {
    path.split(|byte| matches!(byte, b'?' | b'#'))
        .next()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
