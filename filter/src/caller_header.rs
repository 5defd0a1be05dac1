//! The header by which the upstream is told who calls.
//!
//! What a client sends under its name never reaches the upstream. A write to the headers makes
//! Envoy look up the route again, at up to four microseconds, so a copy is removed only where
//! there is one; that there is none is quickly seen.

use policy_schema::identity::PeerIdentity;

use crate::host::Host;

/// The header's name. Header names have no case to the proxy.
pub(crate) const NAME: &str = "x-peergate-caller";

/// Leaves the header with the verified SPIFFE ID as its one value, or without any.
pub(crate) fn apply(host: &impl Host, is_told: bool, peer: PeerIdentity<'_>) {
    if host.request_header(NAME).is_some() {
        host.remove_request_header(NAME);
    }
    if let (true, PeerIdentity::Verified(id)) = (is_told, peer) {
        host.set_request_header(NAME, id.as_str().as_bytes());
    }
}
