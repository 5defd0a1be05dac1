//! The attributes of the current request, each fetched on first use and cached.

use std::cell::OnceCell;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use peergate_engine::engine::{
    CallerClasses, CompiledPolicy, MetadataText, PeerIp, RequestAttributes, path_without_query,
};
use peergate_engine::identity::{ClientCertificate, PeerIdentity};
use peergate_engine::rule::MetadataKey;
use peergate_engine::timestamp::Timestamp;

use crate::dynamic_metadata;
use crate::host::{Bytes, Host};
use crate::peer::Peer;
use crate::peer_certificates::{ConnectionCertificate, KnownCertificate, PeerCertificates};

/// Where Istio's waypoints store the caller's URI SANs, because the TLS connection ends in another
/// listener.
const WAYPOINT_PEER: &[u8] = b"filter_state\0io.istio.peer_principal";
const DESTINATION_PORT: &[u8] = b"destination\0port";
const DESTINATION_ADDRESS: &[u8] = b"destination\0address";
/// The client's address, from `x-forwarded-for` if the proxy trusts it.
const SOURCE_ADDRESS: &[u8] = b"source\0address";
const SERVER_NAME: &[u8] = b"connection\0requested_server_name";
const DYNAMIC_METADATA: &[u8] = b"metadata";

/// What proves the caller's identity.
#[derive(Debug)]
enum Caller {
    /// The certificate of the connection.
    Connection(ConnectionCertificate),
    /// A waypoint's handshake.
    Waypoint(Peer),
}

/// The current request.
pub struct HostAttributes<'h, H: Host> {
    host: &'h H,
    policy: &'h CompiledPolicy,
    certificates: &'h PeerCertificates,
    caller: OnceCell<Caller>,
    method: OnceCell<Option<H::Returned>>,
    path: OnceCell<Option<H::Returned>>,
    authority: OnceCell<Option<H::Returned>>,
    port: OnceCell<Option<u16>>,
    local_ip: OnceCell<Option<IpAddr>>,
    remote_ip: OnceCell<Option<IpAddr>>,
    server_name: OnceCell<Option<H::Returned>>,
    headers: OnceCell<Vec<(Bytes, Bytes)>>,
    metadata: OnceCell<Option<H::Returned>>,
    now: OnceCell<Option<Timestamp>>,
}

impl<'h, H: Host> HostAttributes<'h, H> {
    /// The current request of `host`. `certificates` are those of the policy's callers.
    pub fn new(
        host: &'h H,
        policy: &'h CompiledPolicy,
        certificates: &'h PeerCertificates,
    ) -> Self {
        Self {
            host,
            policy,
            certificates,
            caller: OnceCell::new(),
            method: OnceCell::new(),
            path: OnceCell::new(),
            authority: OnceCell::new(),
            port: OnceCell::new(),
            local_ip: OnceCell::new(),
            remote_ip: OnceCell::new(),
            server_name: OnceCell::new(),
            headers: OnceCell::new(),
            metadata: OnceCell::new(),
            now: OnceCell::new(),
        }
    }

    fn caller(&self) -> &Caller {
        self.caller.get_or_init(|| self.fetch_caller())
    }

    fn fetch_caller(&self) -> Caller {
        let certificate = self.certificates.current(self.policy, self.host);
        if let ConnectionCertificate::Absent = certificate
            && let Some(san) = self.host.property(WAYPOINT_PEER)
        {
            return Caller::Waypoint(Peer::from_uri_san(san.to_vec()));
        }
        Caller::Connection(certificate)
    }

    /// Whether nothing but the caller was fetched, so that whatever was decided depends on the
    /// caller alone.
    pub fn only_caller_was_fetched(&self) -> bool {
        // Without `..`, so that no attribute is forgotten.
        let Self {
            host: _,
            policy: _,
            certificates: _,
            caller: _,
            method,
            path,
            authority,
            port,
            local_ip,
            remote_ip,
            server_name,
            headers,
            metadata,
            now,
        } = self;
        let texts = [method, path, authority, server_name, metadata];
        texts.iter().all(|text| text.get().is_none())
            && port.get().is_none()
            && local_ip.get().is_none()
            && remote_ip.get().is_none()
            && headers.get().is_none()
            && now.get().is_none()
    }

    /// The certificate of the connection, if it is validated.
    pub fn known_certificate(&self) -> Option<&KnownCertificate> {
        match self.caller() {
            Caller::Connection(ConnectionCertificate::Known(known)) => Some(known),
            Caller::Connection(_) | Caller::Waypoint(_) => None,
        }
    }

    fn fetch_port(&self) -> Option<u16> {
        let bytes = self.host.property(DESTINATION_PORT)?;
        u16::try_from(i64::from_le_bytes((*bytes).try_into().ok()?)).ok()
    }

    /// The address in a property of the form `ADDRESS:PORT`.
    fn fetch_ip(&self, path: &[u8]) -> Option<IpAddr> {
        let text = self.host.property(path)?;
        let address: SocketAddr = str::from_utf8(&text).ok()?.parse().ok()?;
        Some(address.ip())
    }

    /// Whether the client speaks gRPC, by Envoy's criteria, and so expects a gRPC status.
    pub fn is_grpc(&self) -> bool {
        let kind = self.host.request_header(b"content-type");
        kind.is_some_and(|kind| {
            let rest = kind.strip_prefix(b"application/grpc");
            rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+')))
        })
    }

    fn pseudo_header<'a>(
        &self,
        kept: &'a OnceCell<Option<H::Returned>>,
        name: &'static [u8],
    ) -> Option<&'a [u8]> {
        kept.get_or_init(|| self.host.request_header(name))
            .as_deref()
    }
}

impl<H: Host> RequestAttributes for HostAttributes<'_, H> {
    fn peer(&self) -> PeerIdentity<'_> {
        match self.caller() {
            Caller::Connection(certificate) => certificate.peer(),
            Caller::Waypoint(peer) => peer.identity(),
        }
    }

    fn caller_classes(&self) -> Option<&CallerClasses> {
        self.known_certificate()?.classes()
    }

    fn client_certificate(&self) -> Option<&ClientCertificate> {
        self.known_certificate()?.names()
    }

    fn method(&self) -> Option<&[u8]> {
        self.pseudo_header(&self.method, b":method")
    }

    fn path(&self) -> Option<&[u8]> {
        self.pseudo_header(&self.path, b":path")
            .map(path_without_query)
    }

    fn authority(&self) -> Option<&[u8]> {
        self.pseudo_header(&self.authority, b":authority")
    }

    fn port(&self) -> Option<u16> {
        *self.port.get_or_init(|| self.fetch_port())
    }

    fn local_ip(&self) -> Option<IpAddr> {
        *self
            .local_ip
            .get_or_init(|| self.fetch_ip(DESTINATION_ADDRESS))
    }

    /// No property contains it: `source.address` may be forwarded by the client.
    fn peer_ip(&self) -> PeerIp {
        PeerIp::Hidden
    }

    fn remote_ip(&self) -> Option<IpAddr> {
        *self.remote_ip.get_or_init(|| self.fetch_ip(SOURCE_ADDRESS))
    }

    fn server_name(&self) -> Option<&[u8]> {
        self.server_name
            .get_or_init(|| self.host.property(SERVER_NAME))
            .as_deref()
    }

    /// Fetches all headers, because the call for a single header returns only its first value.
    fn header(&self, name: &str, visit: &mut dyn FnMut(&[u8])) {
        let name = match name {
            "host" => ":authority",
            name => name,
        };
        let headers = self.headers.get_or_init(|| self.host.request_headers());
        for (other, value) in headers {
            if other.eq_ignore_ascii_case(name.as_bytes()) {
                visit(value);
            }
        }
    }

    fn metadata(&self, key: &MetadataKey, visit: &mut dyn FnMut(MetadataText<'_>)) {
        let metadata = self
            .metadata
            .get_or_init(|| self.host.property(DYNAMIC_METADATA));
        if let Some(metadata) = metadata {
            dynamic_metadata::visit(metadata, key, visit);
        }
    }

    fn now(&self) -> Option<Timestamp> {
        *self.now.get_or_init(|| self.host.now())
    }
}

/// Omits the values: client data must not appear in logs.
impl<H: Host> fmt::Debug for HostAttributes<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostAttributes").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dynamic_metadata::tests::serialized;
    use crate::fake_host::{ADMIN, FakeHost, WEB, policy};

    fn with<T>(host: &FakeHost, ask: impl FnOnce(&HostAttributes<'_, FakeHost>) -> T) -> T {
        let certificates = PeerCertificates::default();
        ask(&HostAttributes::new(host, &policy(), &certificates))
    }

    fn caller(host: &FakeHost) -> Result<Option<String>, ()> {
        with(host, |request| match request.peer() {
            PeerIdentity::Absent | PeerIdentity::Unvalidated => Ok(None),
            PeerIdentity::Malformed => Err(()),
            PeerIdentity::Verified(id) => Ok(Some(id.as_str().to_owned())),
        })
    }

    #[test]
    fn fetches_attributes_lazily_and_once() {
        let host = FakeHost::with_uri_sans_before_envoy_1_38(&[WEB]);
        with(&host, |request| {
            assert_eq!(host.calls.answered.get(), 0);
            for _ in 0..3 {
                request.method();
                request.path();
                request.authority();
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
            assert_eq!(request.authority(), Some(&b"orders.shop:8080"[..]));
            assert_eq!(request.port(), Some(8080));
        });
    }

    #[test]
    fn a_pseudo_header_may_be_missing_or_empty() {
        let host = FakeHost::anonymous()
            .without_header(":path")
            .without_header(":method")
            .with_header(":method", "");
        with(&host, |request| {
            assert_eq!(request.path(), None);
            assert_eq!(request.method(), Some(&b""[..]));
        });
    }

    #[test]
    fn accepts_invalid_utf_8() {
        let host = FakeHost::anonymous()
            .without_header(":path")
            .with_header(":path", b"/\xff?\xfe");
        with(&host, |request| {
            assert_eq!(request.path(), Some(&b"/\xff"[..]));
        });
    }

    #[test]
    fn treats_an_invalid_port_as_absent() {
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
    fn reads_the_caller_from_the_certificate() {
        assert_eq!(
            caller(&FakeHost::with_uri_sans(&[WEB])),
            Ok(Some(WEB.to_owned()))
        );
        assert_eq!(caller(&FakeHost::with_uri_sans(&[])), Err(()));
        assert_eq!(caller(&FakeHost::with_uri_sans(&[WEB, ADMIN])), Err(()));
        assert_eq!(caller(&FakeHost::anonymous()), Ok(None));
    }

    #[test]
    fn reads_the_caller_from_the_waypoint_without_a_certificate() {
        let waypoint = |sans: &str| {
            caller(&FakeHost::anonymous().with_property(WAYPOINT_PEER, sans.as_bytes()))
        };
        assert_eq!(waypoint(WEB), Ok(Some(WEB.to_owned())));
        assert_eq!(waypoint(&format!("{WEB},{ADMIN}")), Err(()));
        assert_eq!(waypoint("-"), Err(()));
        let both = FakeHost::with_uri_sans(&[WEB]).with_property(WAYPOINT_PEER, ADMIN.as_bytes());
        assert_eq!(caller(&both), Ok(Some(WEB.to_owned())));
    }

    #[test]
    fn parses_addresses_with_ports() {
        for (text, address) in [
            ("10.0.0.1:8080", Some("10.0.0.1")),
            ("[2001:db8::1]:8080", Some("2001:db8::1")),
            ("[::ffff:10.0.0.1]:8080", Some("::ffff:10.0.0.1")),
            ("[fe80::1%1]:8080", Some("fe80::1")),
            ("/run/envoy.sock", None),
            ("10.0.0.1", None),
            ("\u{fffd}", None),
        ] {
            let address = address.map(|address| address.parse::<IpAddr>().unwrap());
            let host = FakeHost::anonymous()
                .with_property(SOURCE_ADDRESS, text.as_bytes())
                .with_property(DESTINATION_ADDRESS, text.as_bytes());
            with(&host, |request| {
                assert_eq!(request.remote_ip(), address, "{text}");
                assert_eq!(request.local_ip(), address, "{text}");
                assert_eq!(request.peer_ip(), PeerIp::Hidden);
            });
        }
    }

    #[test]
    fn visits_each_value_of_a_header() {
        let host = FakeHost::anonymous()
            .with_header("x-tenant", "a")
            .with_header("x-other", "b")
            .with_header("X-Tenant", "");
        let values = |name: &str| {
            with(&host, |request| {
                let mut values = Vec::new();
                request.header(name, &mut |value| {
                    values.push(String::from_utf8_lossy(value).into_owned());
                });
                values
            })
        };
        assert_eq!(values("x-tenant"), ["a", ""]);
        assert_eq!(values("host"), ["orders.shop:8080"]);
        assert_eq!(values(":method"), ["GET"]);
        assert_eq!(values("absent"), [""; 0]);
    }

    #[test]
    fn fetches_metadata_once() {
        let metadata = serialized(&json!({"jwt": {"payload": {"iss": "a"}}}));
        let host = FakeHost::anonymous().with_property(DYNAMIC_METADATA, &metadata);
        let key = MetadataKey {
            filter: "jwt".into(),
            path: vec!["payload".into(), "iss".into()],
        };
        with(&host, |request| {
            let mut found = 0;
            for _ in 0..2 {
                request.metadata(&key, &mut |text| {
                    assert_eq!(text, MetadataText::Whole(b"a"));
                    found += 1;
                });
            }
            assert_eq!(found, 2);
        });
        assert_eq!(host.calls.answered.get(), 1);
    }
}
