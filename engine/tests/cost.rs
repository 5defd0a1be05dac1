//! The cost of a decision: no allocation, and no attribute that no candidate rule needs.

#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::net::IpAddr;

use peergate_engine::engine::{CompiledPolicy, MetadataText, PeerIp, Request, RequestAttributes};
use peergate_engine::identity::{ClientCertificate, PeerIdentity};
use peergate_engine::rule::MetadataKey;
use peergate_engine::timestamp::Timestamp;
use serde_json::{Value, json};

fn compile(rules: &Value) -> CompiledPolicy {
    let config = json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "mesh": {"trustDomain": "cluster.local", "trustDomainAliases": ["old.local"]},
        "policy": {"namespace": "shop", "name": "orders"},
        "rules": rules,
    });
    CompiledPolicy::from_json(config.to_string().as_bytes()).expect("a policy")
}

/// A rule of every kind, with lists that are long enough to be indexed.
fn mixed_policy() -> CompiledPolicy {
    let many =
        |start: &str| -> Vec<_> { (0..20).map(|number| format!("{start}{number}")).collect() };
    compile(&json!([
        {"id": "admin", "effect": "Deny", "to": [{"paths": ["/admin/{**}", "*.php"], "notMethods": ["HEAD"]}]},
        {"id": "hosts", "effect": "Deny", "to": [{"hosts": many("x")}]},
        {"id": "agents", "effect": "Deny", "when": [{"key": "request.headers[user-agent]", "values": many("x")},
                                                    {"key": "request.headers[host]", "notValues": ["H7"]}]},
        {"id": "night", "effect": "Deny", "notBefore": "2027-01-01T00:00:00Z"},
        {"id": "accounts", "effect": "Allow", "from": [{"serviceAccounts": many("a"), "notPrincipals": many("cluster.local/x")}],
         "to": [{"methods": many("M"), "hosts": many("h"), "notPaths": ["/x/{*}", "/y*"], "ports": [8080, 8081]}]},
        {"id": "spaces", "effect": "Allow", "from": [{"namespaces": many("n"), "notNamespaces": many("m"), "trustDomains": ["*"]}]},
        {"id": "patterns", "effect": "Allow", "notAfter": "2026-01-01T00:00:00Z",
         "from": [{"principals": ["cluster.local/ns/shop/sa/c*", "*/web", "*"]}], "to": [{"paths": ["/orders/{*}/items"]}]},
        {"id": "templates", "effect": "Deny", "to": [{"paths": many("/api/{*}/x"), "notPaths": many("/api/{**}/")}]},
        {"id": "open", "effect": "Allow", "from": [{"anonymous": true}], "to": [{"paths": ["/health"]}]},
        {"id": "shadow", "effect": "Deny", "enforcement": "Shadow", "from": [{"notNamespaces": ["shop"]}]},
        {"id": "shade", "effect": "Allow", "enforcement": "Shadow", "to": [{"paths": ["/orders*"]}]},
    ]))
}

#[test]
fn decisions_allocate_nothing() {
    let one = allocation_counter::measure(|| drop(black_box(Box::new(1))));
    assert_eq!(one.count_total, 1, "the allocator counts");
    let policy = mixed_policy();
    let peers = [
        None,
        Some("spiffe://cluster.local/ns/shop/sa/a7"),
        Some("spiffe://old.local/ns/n3/sa/web"),
        Some("spiffe://cluster.local/ns/shop/sa/cart"),
        Some("spiffe://cluster.local/vm/7"),
        Some("spiffe://evil.com/ns/shop/sa/a7"),
        Some("cart"),
    ];
    let long_path = format!("/api/{}/x7/{}", "a".repeat(30_000), "/".repeat(30_000));
    let paths = [
        None,
        Some(long_path.as_str()),
        Some("/orders/1/items?x=/y"),
        Some("/admin/x"),
        Some("/health"),
        Some(""),
    ];
    let mut codes = Vec::with_capacity(peers.len() * paths.len());
    let mut shadow_matches = 0;
    let mut hosts = [None, Some("H7".as_bytes())].into_iter().cycle();
    let usage = allocation_counter::measure(|| {
        for peer in peers {
            for path in paths {
                let request = Request {
                    method: Some(b"M7"),
                    path: path.map(str::as_bytes),
                    authority: hosts.next().flatten(),
                    port: Some(8080),
                    headers: &[("user-agent", b"a, b (c, d)")],
                    ..Request::from_peer(
                        PeerIdentity::from_uri_san(peer.map(str::as_bytes)),
                        Timestamp::from_unix_nanoseconds(1_780_000_000_000_000_000),
                    )
                };
                codes.push(policy.evaluate(&request).reason().code().as_str());
                shadow_matches += policy.recorded_matches(&request).count();
            }
        }
    });
    assert_eq!(usage.count_total, 0, "{usage:?}");
    for code in [
        "allowed-by-rule",
        "denied-by-rule",
        "no-identity",
        "malformed-identity",
        "foreign-trust-domain",
        "expired-rule",
        "no-rule-matched",
    ] {
        assert!(codes.contains(&code), "{code} was not among {codes:?}");
    }
    assert!(shadow_matches > 0);
}

/// A request that records the attributes that are fetched.
#[derive(Default)]
struct Watched {
    asked: RefCell<Vec<&'static str>>,
    /// How often the path was fetched.
    paths: Cell<usize>,
    /// How often the method was fetched.
    methods: Cell<usize>,
}

impl Watched {
    fn note(&self, attribute: &'static str) {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&attribute) {
            asked.push(attribute);
        }
    }
}

impl RequestAttributes for Watched {
    fn peer(&self) -> PeerIdentity<'_> {
        self.note("peer");
        PeerIdentity::from_uri_san(Some(b"spiffe://cluster.local/ns/shop/sa/cart"))
    }

    fn client_certificate(&self) -> Option<&ClientCertificate> {
        self.note("client_certificate");
        None
    }

    fn method(&self) -> Option<&[u8]> {
        self.note("method");
        self.methods.set(self.methods.get() + 1);
        Some(b"GET")
    }

    fn path(&self) -> Option<&[u8]> {
        self.note("path");
        self.paths.set(self.paths.get() + 1);
        Some(b"/orders")
    }

    fn authority(&self) -> Option<&[u8]> {
        self.note("authority");
        Some(b"orders")
    }

    fn port(&self) -> Option<u16> {
        self.note("port");
        Some(8080)
    }

    fn local_ip(&self) -> Option<IpAddr> {
        self.note("local_ip");
        None
    }

    fn peer_ip(&self) -> PeerIp {
        self.note("peer_ip");
        PeerIp::Hidden
    }

    fn remote_ip(&self) -> Option<IpAddr> {
        self.note("remote_ip");
        None
    }

    fn server_name(&self) -> Option<&[u8]> {
        self.note("server_name");
        None
    }

    fn header(&self, _name: &str, _visit: &mut dyn FnMut(&[u8])) {
        self.note("header");
    }

    fn metadata(&self, _key: &MetadataKey, _visit: &mut dyn FnMut(MetadataText<'_>)) {
        self.note("metadata");
    }

    fn now(&self) -> Option<Timestamp> {
        self.note("now");
        Some(Timestamp::from_unix_nanoseconds(0))
    }
}

#[test]
fn fetches_the_path_once() {
    let rules: Vec<_> = (0..50)
        .flat_map(|number| {
            ["Deny", "Allow"].map(|effect| {
                json!({"id": format!("{effect}-{number}").to_lowercase(), "effect": effect,
                       "to": [{"paths": [format!("/{{*}}/x{number}")]},
                              {"notPaths": ["/orders", format!("/{{**}}/x{number}")]}]})
            })
        })
        .collect();
    let policy = compile(&Value::Array(rules));
    let request = Watched::default();
    policy.evaluate(&request);
    assert_eq!(request.paths.get(), 1);
}

#[test]
fn evaluates_a_rule_once_for_many_matching_patterns() {
    let id = "cluster.local/ns/shop/sa/cart";
    let patterns: Vec<_> = (14..id.len())
        .map(|length| format!("{}*", id.get(..length).unwrap_or_default()))
        .collect();
    let policy = compile(&json!([
        {"id": "r", "effect": "Allow", "from": [{"principals": patterns}], "to": [{"methods": ["PUT"]}]},
    ]));
    let request = Watched::default();
    policy.evaluate(&request);
    assert_eq!(request.methods.get(), 1);
}

#[test]
fn fetches_only_attributes_that_candidate_rules_need() {
    let by_cart = json!([{"serviceAccounts": ["cart"]}]);
    let by_web = json!([{"serviceAccounts": ["web"]}]);
    let all = json!([{"methods": ["*"], "paths": ["*"], "hosts": ["*"], "ports": [8080]}]);
    let time = "2026-01-01T00:00:00Z";
    let when = |key: &str| json!([{"key": key, "values": ["10.0.0.0/8"]}]);
    let cases: [(Value, &[&str]); 18] = [
        (json!([]), &["peer"]),
        (
            json!([{"id": "r", "effect": "Allow", "from": by_cart}]),
            &["peer"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "from": by_web}]),
            &["peer"],
        ),
        (
            json!([{"id": "r", "effect": "Deny", "from": [{"namespaces": ["*"]}]}]),
            &["peer"],
        ),
        // The rule is for another caller.
        (
            json!([{"id": "r", "effect": "Allow", "from": by_web, "to": all, "notAfter": time}]),
            &["peer"],
        ),
        (
            json!([{"id": "r", "effect": "Deny", "from": [{"anonymous": true}], "to": all}]),
            &["peer"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "from": by_cart, "to": [{"methods": ["GET"]}]}]),
            &["peer", "method"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "from": by_cart, "to": [{"paths": ["/x"], "methods": ["GET"]}]}]),
            &["peer", "path"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "to": [{"notPorts": [1], "hosts": ["x"]}]}]),
            &["peer", "authority"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "to": [{"notPorts": [1]}]}]),
            &["peer", "port"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "from": by_cart, "notAfter": time}]),
            &["peer", "now"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "from": by_web, "when": when("remote.ip")}]),
            &["peer"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "from": by_cart, "when": when("remote.ip")}]),
            &["peer", "remote_ip"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "from": by_cart, "when": when("request.headers[x]")}]),
            &["peer", "header"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "from": by_cart, "when": when("request.auth.claims[x]")}]),
            &["peer", "metadata"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "from": [{"requestPrincipals": ["*"]}]}]),
            &["peer", "metadata"],
        ),
        (
            json!([{"id": "r", "effect": "Allow", "from": [{"ipBlocks": ["::/0"], "remoteIpBlocks": ["::/0"]}]}]),
            &["peer", "peer_ip", "remote_ip"],
        ),
        // The first rule decides; the second is not evaluated.
        (
            json!([{"id": "r", "effect": "Allow"}, {"id": "s", "effect": "Allow", "to": [{"methods": ["GET"]}]}]),
            &["peer"],
        ),
    ];
    for (rules, expected) in cases {
        let policy = compile(&rules);
        let request = Watched::default();
        policy.evaluate(&request);
        assert_eq!(request.asked.into_inner(), expected, "{rules}");
        let request = Watched::default();
        assert_eq!(policy.recorded_matches(&request).count(), 0);
        assert!(
            request.asked.into_inner().is_empty(),
            "no rule is in shadow: {rules}"
        );
    }
}
