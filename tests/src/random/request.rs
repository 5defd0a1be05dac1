//! Requests over the strings of random policies, and near misses.

use std::fmt;
use std::net::IpAddr;

use policy_schema::engine::{PeerIp, Request};
use policy_schema::identity::PeerIdentity;
use policy_schema::timestamp::Timestamp;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::alphabet::{
    ADDRESSES, FORWARDED, GROUPS, HEADERS, HOSTS, ISSUERS, ODD_IDS, PATHS, PATHS_OF_IDS,
    SERVER_NAMES, SUBJECTS, TIMES, time,
};
use super::{Names, from_outside};

/// A request as raw bytes.
#[derive(Clone)]
pub struct TestRequest {
    /// The caller's identity as reported by the proxy.
    pub peer: Option<Vec<u8>>,
    /// The client certificate, if any.
    pub certificate: Option<Names>,
    /// Whether the proxy has not validated the certificate.
    pub is_unvalidated: bool,
    /// `:method`.
    pub method: Option<Vec<u8>>,
    /// `:path`.
    pub path: Option<Vec<u8>>,
    /// `:authority`.
    pub host: Option<Vec<u8>>,
    /// The workload's port.
    pub port: Option<u16>,
    /// The workload's address.
    pub local_ip: Option<IpAddr>,
    /// The address of the connection's peer.
    pub peer_ip: PeerIp,
    /// The client's address, unless another one is forwarded.
    pub remote_ip: Option<IpAddr>,
    /// `x-forwarded-for`, which the proxy trusts.
    pub forwarded_for: Option<String>,
    /// The server name in the TLS handshake.
    pub server_name: Option<Vec<u8>>,
    /// Headers in order.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    /// Dynamic metadata, an object per filter.
    pub metadata: Value,
    /// Nanoseconds since the Unix epoch.
    pub now: u64,
}

impl TestRequest {
    /// The address that the proxy reads from `x-forwarded-for`: the last one, if it is a plain
    /// address.
    pub fn forwarded_ip(&self) -> Option<IpAddr> {
        let last = self.forwarded_for.as_deref()?.rsplit(',').next()?;
        // A zone is not part of the address.
        let (address, _zone) = last.split_once('%').unwrap_or((last, ""));
        address.trim().parse().ok()
    }

    /// Calls `ask` with the request in the engine's form.
    pub fn with_request<T>(&self, ask: impl FnOnce(&Request<'_>) -> T) -> T {
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_slice()))
            .collect();
        let peer = if self.is_unvalidated {
            PeerIdentity::Unvalidated
        } else {
            PeerIdentity::from_uri_san(self.peer.as_deref())
        };
        let certificate = self.certificate.as_ref();
        let certificate = certificate.and_then(Names::client_certificate);
        ask(&Request {
            client_certificate: certificate.as_ref(),
            method: self.method.as_deref(),
            path: self.path.as_deref(),
            authority: self.host.as_deref(),
            port: self.port,
            local_ip: self.local_ip,
            peer_ip: self.peer_ip,
            remote_ip: self.forwarded_ip().or(self.remote_ip),
            server_name: self.server_name.as_deref(),
            headers: &headers,
            metadata: Some(&self.metadata),
            ..Request::from_peer(peer, Timestamp::from_unix_nanoseconds(self.now))
        })
    }
}

impl fmt::Debug for TestRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text =
            |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| bytes.escape_ascii().to_string());
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.escape_ascii()))
            .collect();
        f.debug_struct("TestRequest")
            .field("peer", &text(&self.peer))
            .field("certificate", &self.certificate)
            .field("is_unvalidated", &self.is_unvalidated)
            .field("method", &text(&self.method))
            .field("path", &text(&self.path))
            .field("host", &text(&self.host))
            .field("port", &self.port)
            .field("local_ip", &self.local_ip)
            .field("peer_ip", &self.peer_ip)
            .field("remote_ip", &self.remote_ip)
            .field("forwarded_for", &self.forwarded_for)
            .field("server_name", &text(&self.server_name))
            .field("headers", &headers)
            .field("metadata", &self.metadata.to_string())
            .field("now", &self.now)
            .finish()
    }
}

/// A request that may match.
pub fn request() -> impl Strategy<Value = TestRequest> {
    let domain = prop_oneof![9 => Just("td1"), 2 => Just("td2"), 1 => Just("td3")];
    let mesh = (domain, select(&PATHS_OF_IDS[..]));
    let mesh = mesh.prop_map(|(domain, path)| format!("spiffe://{domain}/{path}"));
    let peer = prop_oneof![
        1 => Just(None),
        12 => mesh.prop_map(Some),
        1 => select(&ODD_IDS[..]).prop_map(|id| Some(id.to_owned())),
    ];
    let method = option_of(&["GET", "PUT", "POST", "get", "", "P", "PATCHED"], 12);
    let host = option_of(&HOSTS, 12);
    let port = prop_oneof![1 => Just(None), 10 => select(&[80, 81, 8080, 1, 0][..]).prop_map(Some)];
    let addresses = (
        weighted(0.9, address()),
        prop_oneof![
            1 => Just(PeerIp::Hidden),
            1 => Just(PeerIp::Absent),
            4 => address().prop_map(PeerIp::Known),
        ],
        weighted(0.9, address()),
    );
    let server_name = option_of(&SERVER_NAMES, 6);
    (
        (
            peer,
            weighted(0.2, from_outside()),
            weighted(0.05, Just(())),
            method,
            path(),
            host,
            port,
        ),
        (addresses, server_name, headers(), metadata(), moment()),
    )
        .prop_map(
            |(
                (peer, certificate, is_unvalidated, method, path, host, port),
                (addresses, server_name, headers, metadata, now),
            )| {
                let (local_ip, peer_ip, remote_ip) = addresses;
                TestRequest {
                    peer: match &certificate {
                        Some(names) => names.identity(),
                        None => peer.map(String::into_bytes),
                    },
                    certificate,
                    is_unvalidated: is_unvalidated.is_some(),
                    method,
                    path: path.map(String::into_bytes),
                    host,
                    port,
                    local_ip,
                    peer_ip,
                    remote_ip,
                    forwarded_for: None,
                    server_name,
                    headers,
                    metadata,
                    now,
                }
            },
        )
}

fn path() -> impl Strategy<Value = Option<String>> {
    let segments = vec(
        select(
            &[
                "a", "b", "ab", "c", "", "a*", "a=b", "a;b", "a;x=1", "b;", ";", "a%2Fb", "A",
                "\u{e9}", "a[", "|",
            ][..],
        ),
        1..5,
    );
    let random = segments.prop_map(|segments| format!("/{}", segments.join("/")));
    let path = prop_oneof![4 => select(&PATHS[..]).prop_map(str::to_owned), 2 => random];
    let query = select(&["", "", "", "?a=/b", "#/b", "?", "?a#b"][..]);
    let path = (path, query).prop_map(|(path, query)| format!("{path}{query}"));
    prop_oneof![1 => Just(None), 1 => Just(Some(String::new())), 20 => path.prop_map(Some)]
}

fn address() -> impl Strategy<Value = IpAddr> {
    select(&ADDRESSES[..]).prop_map(|text| text.parse().expect("an address"))
}

/// The address that a client forwards; usually none.
pub fn forwarded_for() -> impl Strategy<Value = Option<String>> {
    weighted(0.3, select(&FORWARDED[..]).prop_map(str::to_owned))
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let name = select(&["x-a", "X-A", "x-b", "host", "cookie"][..]);
    let value = select(&HEADERS[..]).prop_map(|value| value.as_bytes().to_vec());
    vec((name, value), 0..4)
}

/// The metadata of the filters `f` and JWT.
fn metadata() -> impl Strategy<Value = Value> {
    let text = |texts: &'static [&'static str]| {
        prop_oneof![
            6 => select(texts).prop_map(Value::from),
            1 => Just(json!(1)),
            1 => Just(json!([texts.first()])),
        ]
    };
    let groups = || {
        prop_oneof![
            2 => select(&GROUPS[..]).prop_map(Value::from),
            4 => vec(select(&GROUPS[..]), 0..3).prop_map(Value::from),
            1 => Just(json!(true)),
            1 => Just(json!({"a": "a"})),
        ]
    };
    let claims = (
        weighted(0.9, text(&ISSUERS)),
        weighted(0.9, text(&SUBJECTS)),
        weighted(0.6, groups()),
        weighted(0.6, groups()),
        weighted(0.6, groups()),
        weighted(0.6, groups()),
    );
    let claims = claims.prop_map(|(iss, sub, aud, azp, groups, roles)| {
        let mut claims = Map::new();
        for (name, value) in [
            ("iss", iss),
            ("sub", sub),
            ("aud", aud),
            ("azp", azp),
            ("groups", groups),
            ("realm", roles.map(|roles| json!({"roles": roles}))),
        ] {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value);
            }
        }
        claims
    });
    (weighted(0.8, claims), weighted(0.6, groups())).prop_map(|(claims, key)| {
        let mut metadata = Map::new();
        if let Some(claims) = claims {
            metadata.insert(
                "envoy.filters.http.jwt_authn".to_owned(),
                json!({"payload": claims}),
            );
        }
        if let Some(key) = key {
            metadata.insert("f".to_owned(), json!({"k": key}));
        }
        Value::Object(metadata)
    })
}

fn option_of(
    texts: &'static [&'static str],
    weight: u32,
) -> impl Strategy<Value = Option<Vec<u8>>> {
    let some = select(texts).prop_map(|text| Some(text.as_bytes().to_vec()));
    prop_oneof![1 => Just(None), weight => some]
}

/// Just before, at and just after the times in rules.
fn moment() -> impl Strategy<Value = u64> {
    (select(&TIMES[..]), 0..3u64).prop_map(|(text, offset)| time(text) + offset - 1)
}

/// A request with arbitrary content.
pub fn arbitrary_request() -> impl Strategy<Value = TestRequest> {
    let bytes = || {
        let near = prop_oneof![
            4 => any::<u8>(),
            2 => select(&b"/a.:*?#{},@;0%2e"[..]),
        ];
        proptest::option::of(vec(near, 0..12))
    };
    let peer =
        bytes().prop_map(|bytes| bytes.map(|bytes| [b"spiffe://td1/".as_slice(), &bytes].concat()));
    let peer = prop_oneof![bytes(), peer];
    (
        (peer, bytes(), bytes(), bytes(), bytes(), bytes()),
        request(),
        any::<Option<u16>>(),
        any::<u64>(),
    )
        .prop_map(|(bytes, usual, port, now)| {
            let (peer, method, path, host, server_name, header) = bytes;
            TestRequest {
                peer,
                certificate: None,
                method,
                path,
                host,
                port,
                server_name,
                headers: header.map(|value| ("x-a", value)).into_iter().collect(),
                now,
                ..usual
            }
        })
}
