//! Random Istio policies for one workload, accepted by its webhook, and requests that often match
//! them.

use std::net::IpAddr;

use peergate_tests::random::{Names, TestRequest};
use policy_schema::engine::PeerIp;
use policy_schema::istio::AuthorizationPolicy;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

const PRINCIPALS: [&str; 14] = [
    "td1/ns/a/sa/x",
    "td2/ns/team-a/sa/y",
    "cluster.local/ns/b/sa/x",
    "td1/ns/a/*",
    "td1/*",
    "*/sa/x",
    "*/ns/a/sa/x",
    "td*/ns/b/sa/x",
    "*",
    "spiffe://td1/ns/a/sa/x",
    "spiffe://td1/*",
    "*spiffe://td1/ns/a/sa/x",
    "td9/ns/a/sa/x",
    "td1/ns/a*b/sa/x",
];

const NAMESPACES: [&str; 7] = ["a", "b", "team-*", "*-a", "*", "te**", "team-a"];
const GLOBS: [&str; 3] = ["t*m-a", "*eam*", "a*b"];
const ACCOUNTS: [&str; 3] = ["x", "a/x", "team-a/y"];
const TRUST_DOMAINS: [&str; 6] = ["td1", "td2", "td*", "*2", "*", "td9"];
const REQUEST_PRINCIPALS: [&str; 5] = ["iss/sub", "iss/*", "*/sub", "*", "i*"];
const BLOCKS: [&str; 4] = ["10.0.0.0/8", "10.0.0.1", "127.0.0.9/8", "192.0.2.0/24"];
const METHODS: [&str; 4] = ["GET", "POST", "P*", "*"];
const PATHS: [&str; 6] = ["/a", "/a/*", "*/x", "*", "/b", "/a/x"];
const HOSTS: [&str; 4] = ["Shop.example", "*.example", "shop*", "*"];
const PORTS: [&str; 3] = ["80", "81", "9000"];
const HEADERS: [&str; 4] = ["v", "v*", "*w", "*"];
const GROUPS: [&str; 3] = ["g1", "g*", "*2"];

/// Some values under a field, its `not…` counterpart, both, or neither. Contradictory values are
/// rare: they are rejected and compare nothing.
fn lists(
    field: &'static str,
    values: &'static [&'static str],
    weight: u32,
) -> impl Strategy<Value = Vec<(String, Value)>> {
    let some = |values: Vec<&'static str>| {
        let most = values.len().min(2);
        subsequence(values, 1..=most).prop_map(|values| json!(values))
    };
    let narrow: Vec<_> = values
        .iter()
        .copied()
        .filter(|value| *value != "*")
        .collect();
    let (first, second) = narrow.split_at(narrow.len() / 2);
    let both = (some(first.to_vec()), some(second.to_vec()));
    let positive = some(values.to_vec()).prop_map(move |values| vec![(field.to_owned(), values)]);
    let negated = some(narrow.clone()).prop_map(move |values| vec![(not(field), values)]);
    let both = both.prop_map(move |(values, excluded)| {
        vec![(field.to_owned(), values), (not(field), excluded)]
    });
    prop_oneof![
        10 => Just(Vec::new()),
        weight * 2 => positive,
        weight => negated,
        1 => both,
    ]
}

fn not(field: &str) -> String {
    let (first, rest) = field.split_at(1);
    format!("not{}{rest}", first.to_uppercase())
}

fn object(fields: Vec<Vec<(String, Value)>>) -> Value {
    Value::Object(fields.into_iter().flatten().collect::<Map<_, _>>())
}

fn source() -> impl Strategy<Value = Value> {
    let by_identity = prop_oneof![
        6 => (
            lists("principals", &PRINCIPALS, 5),
            lists("namespaces", &NAMESPACES, 3),
            lists("trustDomains", &TRUST_DOMAINS, 2),
        )
            .prop_map(|(a, b, c)| [a, b, c].concat()),
        1 => lists("serviceAccounts", &ACCOUNTS, 20),
        1 => lists("namespaces", &GLOBS, 1),
    ];
    (
        by_identity,
        lists("requestPrincipals", &REQUEST_PRINCIPALS, 1),
        lists("ipBlocks", &BLOCKS, 1),
        lists("remoteIpBlocks", &BLOCKS, 1),
    )
        .prop_map(|(a, b, c, d)| object(vec![a, b, c, d]))
        .prop_filter("Istio refuses an empty source", |source| {
            *source != json!({})
        })
}

fn operation() -> impl Strategy<Value = Value> {
    (
        lists("methods", &METHODS, 2),
        lists("paths", &PATHS, 3),
        lists("hosts", &HOSTS, 1),
        lists("ports", &PORTS, 3),
    )
        .prop_map(|(a, b, c, d)| object(vec![a, b, c, d]))
        .prop_filter("Istio refuses an empty operation", |operation| {
            *operation != json!({})
        })
}

fn condition() -> impl Strategy<Value = Value> {
    let of = |key: &'static str, values: &'static [&'static str]| {
        lists("values", values, 20).prop_map(move |lists| {
            let mut condition = object(vec![lists]);
            condition["key"] = json!(key);
            condition
        })
    };
    prop_oneof![
        of("source.principal", &PRINCIPALS),
        of("source.namespace", &NAMESPACES),
        of("source.trustDomain", &TRUST_DOMAINS),
        of("source.ip", &BLOCKS),
        of("remote.ip", &BLOCKS),
        of("request.headers[x-v]", &HEADERS),
        of("request.auth.claims[groups]", &GROUPS),
        of("request.auth.principal", &REQUEST_PRINCIPALS),
        of("destination.port", &PORTS),
    ]
    .prop_filter("Istio refuses a condition without values", |condition| {
        condition.as_object().is_some_and(|fields| fields.len() > 1)
    })
}

fn rule() -> impl Strategy<Value = Value> {
    (
        vec(source(), 0..=2),
        vec(operation(), 0..=2),
        prop_oneof![3 => vec(condition(), 0..=0), 1 => vec(condition(), 1..=2)],
    )
        .prop_map(|(from, to, when)| {
            let mut rule = Map::new();
            let of = |key: &str, entries: Vec<Value>| {
                let entries = entries.into_iter().map(|entry| json!({key: entry}));
                Value::Array(entries.collect())
            };
            if !from.is_empty() {
                rule.insert("from".to_owned(), of("source", from));
            }
            if !to.is_empty() {
                rule.insert("to".to_owned(), of("operation", to));
            }
            if !when.is_empty() {
                rule.insert("when".to_owned(), Value::Array(when));
            }
            Value::Object(rule)
        })
}

/// One to three policies for the same workload, or for a gateway.
pub(crate) fn for_a_workload(at_gateway: bool) -> impl Strategy<Value = Vec<AuthorizationPolicy>> {
    let labels = if at_gateway {
        json!({"istio": "ingressgateway"})
    } else {
        json!({"app": "x"})
    };
    let action = select(&["ALLOW", "ALLOW", "ALLOW", "DENY"][..]);
    vec((action, vec(rule(), 1..=2)), 1..=3).prop_map(move |policies| {
        let objects = policies.into_iter().enumerate();
        objects
            .map(|(number, (action, rules))| {
                let object = json!({
                    "apiVersion": "security.istio.io/v1",
                    "kind": "AuthorizationPolicy",
                    "metadata": {"name": format!("p{number}"), "namespace": "a"},
                    "spec": {
                        "selector": {"matchLabels": labels},
                        "action": action,
                        "rules": rules,
                    },
                });
                serde_json::from_value(object).unwrap()
            })
            .collect()
    })
}

/// A request by a client from outside the mesh.
pub(crate) fn request_from_outside() -> impl Strategy<Value = TestRequest> {
    let named = |uris: &[&str], dns: &[&str], common_name: Option<&str>| Names {
        dns: dns.iter().map(ToString::to_string).collect(),
        common_name: common_name.map(str::to_owned),
        ..Names::uris(uris.iter().copied())
    };
    let clients = vec![
        named(&["spiffe://td9/ns/a/sa/x"], &[], None),
        named(&["spiffe://td9/ns/a/sa/y"], &["partner.example"], None),
        named(&["https://partner.example/7"], &[], None),
        named(&[], &["client-7.partner.example"], Some("7")),
        named(&[], &[], Some("7")),
    ];
    (select(clients), request()).prop_map(|(names, asked)| TestRequest {
        peer: names.identity(),
        certificate: Some(names),
        ..asked
    })
}

/// A request by a caller of the mesh, or an anonymous one.
pub(crate) fn request() -> impl Strategy<Value = TestRequest> {
    let callers = [
        None,
        Some("td1/ns/a/sa/x"),
        Some("td2/ns/a/sa/x"),
        Some("td1/ns/team-a/sa/y"),
        Some("td2/ns/team-a/sa/y"),
        Some("td1/ns/b/sa/x"),
        Some("td1/ns/c/sa/z"),
        Some("td2/ns/xteam-a/sa/x"),
    ];
    let address = || {
        select(
            &[
                "10.0.0.1",
                "10.9.9.9",
                "127.0.0.1",
                "192.0.2.7",
                "203.0.113.1",
            ][..],
        )
        .prop_map(|text| text.parse::<IpAddr>().unwrap())
    };
    let token = prop_oneof![
        Just(None),
        Just(Some(
            json!({"iss": "iss", "sub": "sub", "groups": ["g1", "h2"]})
        )),
        Just(Some(json!({"iss": "other", "sub": "sub", "groups": "g3"}))),
        Just(Some(json!({"iss": "iss", "sub": "else"}))),
    ];
    let header = select(&[None, Some("v"), Some("vw"), Some("u"), Some("")][..]);
    (
        select(callers.to_vec()),
        select(&["GET", "POST", "PUT", "DELETE"][..]),
        select(&["/a", "/a/x", "/a?b=c", "/b", "/c/x"][..]),
        select(&["shop.example", "SHOP.EXAMPLE", "other", "shop:80"][..]),
        select(&[80_u16, 81, 9000, 7][..]),
        address(),
        address(),
        token,
        header,
    )
        .prop_map(
            |(caller, method, path, host, port, peer_ip, remote_ip, token, header)| TestRequest {
                certificate: None,
                is_unvalidated: false,
                forwarded_for: None,
                peer: caller.map(|id| format!("spiffe://{id}").into_bytes()),
                method: Some(method.into()),
                path: Some(path.into()),
                host: Some(host.into()),
                port: Some(port),
                local_ip: Some("10.1.1.1".parse().unwrap()),
                peer_ip: PeerIp::Known(peer_ip),
                remote_ip: Some(remote_ip),
                server_name: None,
                headers: header
                    .map(|value| ("x-v", value.as_bytes().to_vec()))
                    .into_iter()
                    .collect(),
                metadata: match token {
                    Some(token) => json!({"envoy.filters.http.jwt_authn": {"payload": token}}),
                    None => json!({}),
                },
                now: 0,
            },
        )
}
