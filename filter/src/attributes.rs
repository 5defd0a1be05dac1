//! The attributes of the current request, each asked for when first needed and then kept.

use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;

use policy_schema::engine::{RequestAttributes, path_without_query};
use policy_schema::identity::PeerIdentity;
use policy_schema::timestamp::Timestamp;

use crate::host::{Bytes, Host};
use crate::peer_certificates::{CertificateIdentity, PeerCertificates};

/// Where Istio's waypoints leave the caller's URI SANs: its TLS connection ends in another
/// listener.
const WAYPOINT_PEER: &[u8] = b"filter_state\0io.istio.peer_principal";
const DESTINATION_PORT: &[u8] = b"destination\0port";

/// The request that the proxy is at.
pub struct HostAttributes<'h, H> {
    host: &'h H,
    certificates: &'h PeerCertificates,
    peer: OnceCell<Peer>,
    method: OnceCell<Option<Bytes>>,
    path: OnceCell<Option<Bytes>>,
    authority: OnceCell<Option<Bytes>>,
    port: OnceCell<Option<u16>>,
    now: OnceCell<Option<Timestamp>>,
}

enum Peer {
    Absent,
    Malformed,
    Certificate(Rc<[u8]>),
    Waypoint(Bytes),
}

impl<'h, H: Host> HostAttributes<'h, H> {
    /// The request that `host` is at.
    pub fn new(host: &'h H, certificates: &'h PeerCertificates) -> Self {
        Self {
            host,
            certificates,
            peer: OnceCell::new(),
            method: OnceCell::new(),
            path: OnceCell::new(),
            authority: OnceCell::new(),
            port: OnceCell::new(),
            now: OnceCell::new(),
        }
    }

    fn ask_for_peer(&self) -> Peer {
        match self.certificates.identity(self.host) {
            CertificateIdentity::UriSan(san) => Peer::Certificate(san),
            CertificateIdentity::Malformed => Peer::Malformed,
            CertificateIdentity::Absent => self
                .host
                .property(WAYPOINT_PEER)
                .map_or(Peer::Absent, Peer::Waypoint),
        }
    }

    fn ask_for_port(&self) -> Option<u16> {
        let bytes = self.host.property(DESTINATION_PORT)?;
        u16::try_from(i64::from_le_bytes(bytes.try_into().ok()?)).ok()
    }

    /// A pseudo-header. An empty one says no more than an absent one.
    fn header<'a>(
        &self,
        kept: &'a OnceCell<Option<Bytes>>,
        name: &'static [u8],
    ) -> Option<&'a [u8]> {
        kept.get_or_init(|| self.host.request_header(name))
            .as_deref()
            .filter(|value| !value.is_empty())
    }
}

impl<H: Host> RequestAttributes for HostAttributes<'_, H> {
    fn peer(&self) -> PeerIdentity<'_> {
        match self.peer.get_or_init(|| self.ask_for_peer()) {
            Peer::Absent => PeerIdentity::Absent,
            Peer::Malformed => PeerIdentity::Malformed,
            Peer::Certificate(san) => PeerIdentity::from_uri_san(Some(san)),
            Peer::Waypoint(sans) => PeerIdentity::from_uri_san(Some(sans)),
        }
    }

    fn method(&self) -> Option<&[u8]> {
        self.header(&self.method, b":method")
    }

    fn path(&self) -> Option<&[u8]> {
        self.header(&self.path, b":path").map(path_without_query)
    }

    fn host(&self) -> Option<&[u8]> {
        self.header(&self.authority, b":authority")
    }

    fn port(&self) -> Option<u16> {
        *self.port.get_or_init(|| self.ask_for_port())
    }

    fn now(&self) -> Option<Timestamp> {
        *self.now.get_or_init(|| self.host.now())
    }
}

/// Without the values: what a client sent has no place in a log.
impl<H> fmt::Debug for HostAttributes<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostAttributes").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_host::{ADMIN, FakeHost, WEB};

    fn with<T>(host: &FakeHost, ask: impl FnOnce(&HostAttributes<'_, FakeHost>) -> T) -> T {
        ask(&HostAttributes::new(host, &PeerCertificates::default()))
    }

    fn caller(host: &FakeHost) -> Result<Option<String>, ()> {
        with(host, |request| match request.peer() {
            PeerIdentity::Absent => Ok(None),
            PeerIdentity::Malformed => Err(()),
            PeerIdentity::Verified(id) => Ok(Some(id.as_str().to_owned())),
        })
    }

    #[test]
    fn nothing_is_asked_for_before_it_is_needed_nor_twice() {
        let host = FakeHost::with_uri_sans_before_envoy_1_38(&[WEB]);
        with(&host, |request| {
            assert_eq!(host.calls.answered.get(), 0);
            for _ in 0..3 {
                request.method();
                request.path();
                request.host();
                request.port();
                request.now();
                request.peer();
            }
        });
        // Four attributes, the digest and the SAN.
        assert_eq!(host.calls.answered.get(), 6);
        assert_eq!(host.calls.time.get(), 1);
    }

    #[test]
    fn the_path_is_without_its_query() {
        let host = FakeHost::anonymous();
        with(&host, |request| {
            assert_eq!(request.path(), Some(&b"/orders"[..]));
            assert_eq!(request.method(), Some(&b"GET"[..]));
            assert_eq!(request.host(), Some(&b"orders.shop:8080"[..]));
            assert_eq!(request.port(), Some(8080));
        });
    }

    #[test]
    fn a_missing_or_empty_pseudo_header_is_none() {
        let host = FakeHost::anonymous()
            .without_header(":path")
            .without_header(":method")
            .with_header(":method", "");
        with(&host, |request| {
            assert_eq!(request.path(), None);
            assert_eq!(request.method(), None);
        });
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_only_bytes() {
        let host = FakeHost::anonymous()
            .without_header(":path")
            .with_header(":path", b"/\xff?\xfe");
        with(&host, |request| {
            assert_eq!(request.path(), Some(&b"/\xff"[..]));
        });
    }

    #[test]
    fn a_port_that_is_none_is_absent() {
        for bytes in [
            &[0x90_u8, 0x1f][..],
            &(-1_i64).to_le_bytes(),
            &65_536_i64.to_le_bytes(),
        ] {
            let host = FakeHost::anonymous().with_property(DESTINATION_PORT, bytes);
            with(&host, |request| assert_eq!(request.port(), None));
        }
    }

    #[test]
    fn the_certificate_says_who_calls() {
        assert_eq!(
            caller(&FakeHost::with_uri_sans(&[WEB])),
            Ok(Some(WEB.to_owned()))
        );
        assert_eq!(caller(&FakeHost::with_uri_sans(&[])), Ok(None));
        assert_eq!(caller(&FakeHost::with_uri_sans(&[WEB, ADMIN])), Err(()));
        assert_eq!(caller(&FakeHost::anonymous()), Ok(None));
    }

    #[test]
    fn the_waypoint_says_who_calls_where_there_is_no_certificate() {
        let waypoint = |sans: &str| {
            caller(&FakeHost::anonymous().with_property(WAYPOINT_PEER, sans.as_bytes()))
        };
        assert_eq!(waypoint(WEB), Ok(Some(WEB.to_owned())));
        assert_eq!(waypoint(&format!("{WEB},{ADMIN}")), Err(()));
        assert_eq!(waypoint("-"), Err(()));
        let both = FakeHost::with_uri_sans(&[WEB]).with_property(WAYPOINT_PEER, ADMIN.as_bytes());
        assert_eq!(caller(&both), Ok(Some(WEB.to_owned())));
    }
}
