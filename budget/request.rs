//! The requests of the scenarios, with the attributes that Envoy has for them.

use crate::exchange::{Properties, Request};

const CALLER: &str = "spiffe://cluster.local/ns/shop/sa/web";

/// The SHA-256 digest of the certificate. The filter does not compare them.
const DIGEST: &str = "4b1c8f0a5d7e2936cd5f01b7a9e8340c6f2d1ab09c7e5d438f6b2a1908e7c6d5";

/// The attributes of the proxy: the sidecar of `shop/orders`.
pub(crate) fn sidecar() -> Properties {
    properties(&[
        (
            "xds node id",
            "sidecar~10.0.0.1~orders-1.shop~shop.svc.cluster.local",
        ),
        ("xds node metadata NAMESPACE", "shop"),
        ("xds node metadata LABELS app", "orders"),
    ])
}

/// `GET /orders` by the service account `shop/web`, with mTLS.
pub(crate) fn by_web() -> Request {
    let headers = [
        (":authority", "orders.shop:8080"),
        (":path", "/orders?full=1"),
        (":method", "GET"),
        (":scheme", "http"),
        ("user-agent", "Go-http-client/1.1"),
        ("accept-encoding", "gzip"),
        ("x-forwarded-proto", "http"),
        ("x-request-id", "9f3c1c64-7a6f-4c0e-b2f8-0f4e2f6d8f11"),
        ("x-tenant", "gold"),
    ];
    let mut properties = properties(&[
        ("connection sha256_peer_certificate_digest", DIGEST),
        ("connection uri_san_peer_certificate", CALLER),
        ("connection peer_certificate", include_str!("web.cert.pem")),
        ("connection requested_server_name", "orders.shop"),
        ("source address", "10.0.0.2:40000"),
        ("destination address", "10.0.0.1:8080"),
        ("upstream address", "10.0.0.1:8080"),
        (
            "metadata filter_metadata envoy.filters.http.rbac enforced_engine_result",
            "allowed",
        ),
    ]);
    properties.insert(path("destination port"), 8080_i64.to_le_bytes().to_vec());
    Request {
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        trailers: Vec::new(),
        properties,
    }
}

impl Request {
    /// The same with the client's own values of the header for upstreams, also as a trailer.
    pub(crate) fn with_forged_header(mut self) -> Self {
        let forged = ("x-peergate".to_owned(), "decision=allow".to_owned());
        self.headers.push(forged.clone());
        self.trailers.push(forged);
        self
    }

    /// The same with a verified JWT.
    pub(crate) fn with_jwt(mut self) -> Self {
        let claim = |name: &str, value: &str| {
            let value = message(&[(3, value.as_bytes())]);
            message(&[(1, name.as_bytes()), (2, &value)])
        };
        let claims = [
            claim("iss", "https://issuer.example"),
            claim("sub", "alice"),
            claim("groups", "staff"),
        ];
        let claims = claims.each_ref().map(|claim| (1, &claim[..]));
        // The messages `Struct`, `Value`, an entry of a map and `Metadata`, from the inside out.
        let payload = message(&[(5, &message(&claims))]);
        let payload = message(&[(1, &message(&[(1, b"payload"), (2, &payload)]))]);
        let filter = message(&[(1, b"envoy.filters.http.jwt_authn"), (2, &payload)]);
        let metadata = message(&[(1, &filter)]);
        self.properties.insert(path("metadata"), metadata);
        self
    }
}

/// A message in the format of Protocol Buffers, of fields with up to 16,383 bytes.
fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, value) in fields {
        let [low, high] = u16::try_from(value.len()).unwrap().to_le_bytes();
        let (low, high) = (low & 0x7f, high << 1 | low >> 7);
        bytes.push(number << 3 | 2);
        bytes.extend([low | 0x80, high]);
        bytes.extend_from_slice(value);
    }
    bytes
}

fn properties(list: &[(&str, &str)]) -> Properties {
    list.iter()
        .map(|(name, value)| (path(name), value.as_bytes().to_vec()))
        .collect()
}

/// The path of a property, whose parts are separated by spaces.
fn path(parts: &str) -> Vec<u8> {
    parts.replace(' ', "\0").into_bytes()
}
