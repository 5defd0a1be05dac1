//! The input of a comparison: a policy as documents, and requests.

use std::net::IpAddr;

use peergate_tests::random::{Names, TestRequest, forwarded_for, matcher, names, request};
use policy_schema::diagnostic::SourceText;
use policy_schema::engine::PeerIp;
use policy_schema::policy::PolicySet;
use policy_schema::rule_spec::{Effect, Otherwise, RuleSpec};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// The number of requests per connection.
const ON_A_CONNECTION: usize = 10;

/// A mesh with two trust domains, and one policy with these rules.
pub(crate) fn documents(rules: &[Value], otherwise: Otherwise) -> [Value; 2] {
    documents_of(rules, otherwise, ["td1", "td2"], "a")
}

/// The same with these trust domains, and the policy in this namespace. The mesh accepts plaintext
/// too. The workload is a gateway if a rule refers to client certificates from outside the mesh.
pub(crate) fn documents_of(
    rules: &[Value],
    otherwise: Otherwise,
    [trust_domain, alias]: [&str; 2],
    namespace: &str,
) -> [Value; 2] {
    let mesh = json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": {"name": "parity"},
        "spec": {
            "trustDomain": trust_domain,
            "trustDomainAliases": [alias],
            "istioVersion": "1.31",
            "filter": {"image": "file:///peergate_filter.wasm"},
            "mtls": {"mode": "Permissive"},
            "defaults": {"otherwise": "Pass"},
        },
    });
    let is_about_outside = |rule: &Value| rule.to_string().contains("lientCertificates");
    let labels = if rules.iter().any(is_about_outside) {
        json!({"istio": "parity-gateway"})
    } else {
        json!({"app": "parity"})
    };
    let policy = json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "kind": "ServicePolicy",
        "metadata": {"name": "parity", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "otherwise": otherwise,
            "rules": rules,
        },
    });
    [mesh, policy]
}

/// The policies of the documents; `None` if one of them is rejected.
pub(crate) fn validated(documents: &[Value]) -> Option<PolicySet> {
    let sources: Vec<_> = documents
        .iter()
        .enumerate()
        .map(|(number, document)| SourceText {
            name: format!("{number}.json"),
            text: document.to_string(),
        })
        .collect();
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    validate(&sources, options).policies
}

/// The rules of a policy, each of which is valid by itself.
pub(crate) fn rules() -> impl Strategy<Value = (Vec<Value>, Otherwise)> {
    let effect =
        prop_oneof![5 => Just(Effect::Allow), 2 => Just(Effect::Deny), 1 => Just(Effect::Audit)];
    let rule = (effect, matcher()).prop_map(|(effect, rule)| RuleSpec { effect, ..rule });
    let otherwise = prop_oneof![6 => Just(Otherwise::Deny), 1 => Just(Otherwise::Pass)];
    (vec(rule, 1..8), otherwise).prop_map(|(rules, otherwise)| {
        let mut accepted = Vec::new();
        for mut rule in rules {
            if otherwise == Otherwise::Pass && rule.effect == Effect::Allow {
                rule.effect = Effect::Deny;
            }
            rule.id = format!("r{}", accepted.len());
            let rule = serde_json::to_value(rule).expect("a rule is JSON");
            if validated(&documents(std::slice::from_ref(&rule), otherwise)).is_some() {
                accepted.push(rule);
            }
        }
        (accepted, otherwise)
    })
}

/// IPv6 covers both forms of an address.
const V6: &[&str] = &["2001:db8::1", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1"];

/// What happens to the connection once the request is allowed.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Usual,
    Connect,
    WebSocket,
    /// Envoy ignores it.
    Http2,
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        17 => Just(Shape::Usual),
        2 => Just(Shape::Connect),
        1 => Just(Shape::WebSocket),
        1 => Just(Shape::Http2),
    ]
}

impl Shape {
    fn applied_to(self, mut asked: TestRequest) -> TestRequest {
        let mut upgrade = |connection: &str, protocol: &str| {
            for (name, value) in [("connection", connection), ("upgrade", protocol)] {
                asked.headers.push((name, value.as_bytes().to_vec()));
            }
        };
        match self {
            Self::Usual => {}
            Self::WebSocket => upgrade("upgrade", "websocket"),
            Self::Http2 => {
                upgrade("upgrade, http2-settings", "h2c");
                let settings = b"AAMAAABkAARAAAAAAAIAAAAA".to_vec();
                asked.headers.push(("http2-settings", settings));
            }
            // The target of a tunnel has a port.
            Self::Connect => {
                asked.method = Some(b"CONNECT".to_vec());
                asked.host = Some(b"b:80".to_vec());
            }
        }
        asked
    }
}

/// Requests on one connection.
pub(crate) fn connection() -> impl Strategy<Value = Vec<TestRequest>> {
    let v4 = |texts: &'static [&'static str]| {
        select(texts).prop_map(|text| text.parse::<IpAddr>().expect("an address"))
    };
    let addresses = prop_oneof![
        3 => (v4(&["127.0.0.1", "127.0.0.2", "10.0.0.1"]), v4(&["127.0.0.1", "127.1.0.1", "10.0.0.1"])),
        1 => (v4(V6), v4(V6)),
    ];
    let peer_ip = v4(&["127.0.0.1", "127.0.0.2", "127.1.0.1"]);
    let certificate = weighted(0.9, names());
    let request = (request(), forwarded_for(), shape());
    let caller = (addresses, peer_ip, certificate);
    (vec(request, ON_A_CONNECTION), caller).prop_map(
        |(requests, ((remote_ip, local_ip), peer_ip, certificate))| {
            let requests = requests.into_iter();
            let mut requests: Vec<_> = requests
                .map(|(asked, forwarded_for, shape)| {
                    let asked = TestRequest {
                        forwarded_for,
                        ..asked
                    };
                    shape.applied_to(asked)
                })
                .collect();
            let first = requests.first().cloned().expect("not empty");
            for asked in &mut requests {
                asked.certificate.clone_from(&certificate);
                asked.is_unvalidated = false;
                asked.peer = certificate.as_ref().and_then(Names::identity);
                asked.server_name.clone_from(&first.server_name);
                asked.port = Some(first.port.filter(|&port| port > 0).unwrap_or(80));
                asked.remote_ip = Some(remote_ip);
                asked.local_ip = Some(local_ip);
                asked.peer_ip = PeerIp::Known(peer_ip);
                make_sendable(asked);
            }
            requests
        },
    )
}

/// Replaces parts that no client can send, or that Envoy rejects.
fn make_sendable(asked: &mut TestRequest) {
    let or = |part: &mut Option<Vec<u8>>, default: &str| {
        let is_sendable =
            |bytes: &Vec<u8>| !bytes.is_empty() && bytes.is_ascii() && !bytes.contains(&b'#');
        *part = part
            .take()
            .filter(is_sendable)
            .or_else(|| Some(default.as_bytes().to_vec()));
    };
    or(&mut asked.method, "GET");
    if asked.method.as_deref() == Some(b"CONNECT") {
        asked.path = None;
        // In Istio's configuration, the JWT filter only handles requests with a path.
        if let Some(metadata) = asked.metadata.as_object_mut() {
            metadata.remove("envoy.filters.http.jwt_authn");
        }
    } else {
        or(&mut asked.path, "/a");
        // Envoy encodes this character before any rule sees the path.
        if let Some(path) = &mut asked.path {
            *path = path
                .iter()
                .flat_map(|byte| match byte {
                    b'|' => b"%7C".as_slice(),
                    other => std::slice::from_ref(other),
                })
                .copied()
                .collect();
        }
    }
    or(&mut asked.host, "a.b");
    // The TLS library sends names without the trailing dot (RFC 6066).
    if let Some(name) = &mut asked.server_name {
        while name.ends_with(b".") {
            name.pop();
        }
    }
    if asked.server_name.as_ref().is_some_and(Vec::is_empty) {
        asked.server_name = None;
    }
    asked.headers.retain(|(name, _)| *name != "host");
    // A token whose issuer, subject or audience has another type is invalid.
    let claims = &mut asked.metadata["envoy.filters.http.jwt_authn"]["payload"];
    if let Some(claims) = claims.as_object_mut() {
        let is_text = |value: &Value| value.is_string();
        let is_audience = |value: &Value| {
            let is_list = value.as_array().is_some_and(|all| all.iter().all(is_text));
            is_text(value) || is_list
        };
        claims.retain(|name, value| match name.as_str() {
            "iss" | "sub" => is_text(value),
            "aud" => is_audience(value),
            _ => true,
        });
    } else if let Some(metadata) = asked.metadata.as_object_mut() {
        metadata.remove("envoy.filters.http.jwt_authn");
    }
}
