use serde_json::{Value, json};

use super::*;
use crate::engine::Request;
use crate::identity::PeerIdentity;
use crate::timestamp::Timestamp;

const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";

fn policy(rules: &Value) -> CompiledPolicy {
    let config = json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "mesh": {"trustDomain": "cluster.local"},
        "policy": {"namespace": "shop", "name": "orders"},
        "rules": rules,
    });
    CompiledPolicy::from_json(config.to_string().as_bytes()).unwrap()
}

fn request<'r>(caller: Option<&'r str>, method: &'r str, path: &'r str) -> Request<'r> {
    Request {
        method: Some(method.as_bytes()),
        path: Some(path.as_bytes()),
        authority: Some(b"orders:8080"),
        port: Some(8080),
        ..Request::from_peer(
            PeerIdentity::from_uri_san(caller.map(str::as_bytes)),
            Timestamp::parse("2026-06-01T00:00:00Z").unwrap(),
        )
    }
}

/// Each as `RULE: ATTRIBUTES`.
fn nearest(rules: &Value, request: &Request<'_>, count: usize) -> Vec<String> {
    let policy = policy(rules);
    let misses = policy.nearest(request, count, usize::MAX);
    let texts = misses.iter().map(|miss| {
        let names: Vec<_> = miss.differences.iter().map(Attribute::name).collect();
        format!("{}: {}", miss.rule.id(), names.join(" "))
    });
    texts.collect()
}

fn rules() -> Value {
    json!([
        {"id": "web-reads", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}],
         "to": [{"methods": ["GET"], "paths": ["/orders", "/orders/{*}"]}]},
        {"id": "jobs", "effect": "Allow", "from": [{"serviceAccounts": ["jobs"]}],
         "to": [{"methods": ["POST"], "paths": ["/orders"]}]},
        {"id": "no-admin", "effect": "Deny", "to": [{"paths": ["/admin*"]}]},
        {"id": "old", "effect": "Allow", "from": [{"serviceAccounts": ["jobs"]}],
         "to": [{"paths": ["/old"]}], "notAfter": "2020-01-01T00:00:00Z"},
        {"id": "tried", "effect": "Allow", "enforcement": "Shadow", "to": [{"paths": ["/orders"]}]},
    ])
}

#[test]
fn ranks_rules_for_the_caller_first() {
    assert_eq!(
        nearest(&rules(), &request(Some(WEB), "POST", "/orders"), 3),
        ["web-reads: method", "jobs: caller", "old: caller path time"]
    );
    assert_eq!(
        nearest(&rules(), &request(Some(WEB), "GET", "/orders/1/items"), 1),
        ["web-reads: path"]
    );
    let other = "spiffe://cluster.local/ns/shop/sa/other";
    assert_eq!(
        nearest(&rules(), &request(Some(other), "POST", "/orders"), 1),
        ["jobs: caller"]
    );
}

/// A rule for another caller must not come before the rule for this caller.
#[test]
fn distinguishes_caller_token_and_address() {
    let rules = json!([
        {"id": "jobs", "effect": "Allow", "from": [{"serviceAccounts": ["jobs"]}]},
        {"id": "jobs-by-token", "effect": "Allow",
         "from": [{"serviceAccounts": ["jobs"], "requestPrincipals": ["https://idp.example/*"]}]},
        {"id": "by-token-from-inside", "effect": "Allow",
         "from": [{"serviceAccounts": ["web"], "requestPrincipals": ["https://idp.example/*"],
                   "remoteIpBlocks": ["10.0.0.0/8"]}]},
        {"id": "by-token", "effect": "Allow",
         "from": [{"serviceAccounts": ["web"], "requestPrincipals": ["https://idp.example/*"]}]},
        {"id": "from-inside", "effect": "Allow",
         "from": [{"serviceAccounts": ["web"], "notRemoteIpBlocks": ["192.0.2.0/24"]}]},
    ]);
    assert_eq!(
        nearest(&rules, &request(Some(WEB), "GET", "/orders"), 9),
        [
            "by-token: token",
            "from-inside: address",
            "jobs: caller",
            "by-token-from-inside: token address",
            "jobs-by-token: caller token",
        ]
    );
}

#[test]
fn finds_rules_that_only_differ_in_time() {
    let jobs = "spiffe://cluster.local/ns/shop/sa/jobs";
    assert_eq!(
        nearest(&rules(), &request(Some(jobs), "PUT", "/old"), 1),
        ["old: time"]
    );
}

#[test]
fn ignores_deny_and_shadow_rules() {
    let misses = nearest(&rules(), &request(Some(WEB), "GET", "/admin"), 9);
    assert_eq!(misses.len(), 3, "{misses:?}");
    assert_eq!(
        nearest(&json!([]), &request(Some(WEB), "GET", "/"), 1),
        [""; 0]
    );
}

#[test]
fn finds_no_rules_for_callers_outside_the_mesh() {
    for caller in ["spiffe://evil.example/ns/shop/sa/web", "https://web"] {
        assert_eq!(
            nearest(&rules(), &request(Some(caller), "GET", "/orders"), 1),
            [""; 0]
        );
    }
    let rules = json!([
        {"id": "probe", "effect": "Allow", "from": [{"anonymous": true}], "to": [{"paths": ["/live"]}]},
    ]);
    assert_eq!(
        nearest(&rules, &request(None, "GET", "/ready"), 1),
        ["probe: path"]
    );
}

#[test]
fn uses_the_nearest_pair_of_source_and_operation() {
    let rules = json!([
        {"id": "many", "effect": "Allow",
         "from": [{"serviceAccounts": ["jobs"]}, {"namespaces": ["shop"], "notPrincipals": ["*/sa/x"]}],
         "to": [{"methods": ["PUT"], "paths": ["/a"]}, {"methods": ["GET"], "hosts": ["orders:80"]}],
         "when": [{"key": "request.headers[x-tenant]", "values": ["a"]}]},
    ]);
    assert_eq!(
        nearest(&rules, &request(Some(WEB), "GET", "/b"), 1),
        ["many: host when"]
    );
    assert_eq!(
        nearest(&rules, &request(Some(WEB), "POST", "/a"), 1),
        ["many: method when"]
    );
}

#[test]
fn limits_the_search_and_starts_with_the_caller() {
    let mut rules: Vec<Value> = (0..1_000)
        .map(|number| {
            json!({"id": format!("other-{number}"), "effect": "Allow",
                   "from": [{"serviceAccounts": [format!("other-{number}")]}],
                   "to": [{"paths": ["/orders"]}]})
        })
        .collect();
    rules.push(
        json!({"id": "own", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}],
                      "to": [{"paths": ["/x"]}]}),
    );
    let policy = policy(&Value::Array(rules));
    let request = request(Some(WEB), "GET", "/orders");
    let found = policy.nearest(&request, 1, 1);
    assert_eq!(found[0].rule.id(), "own");
    assert_eq!(policy.nearest(&request, 2_000, 10).len(), 10);
    assert_eq!(policy.nearest(&request, 2_000, usize::MAX).len(), 1_001);
}

#[test]
fn charges_long_lists_as_several_parts() {
    let templates: Vec<_> = (0..200)
        .map(|number| format!("/x/{{*}}/{number}"))
        .collect();
    let hosts: Vec<_> = (0..200).map(|number| format!("h{number}")).collect();
    for long in [
        json!({"methods": ["PUT"], "notPaths": templates}),
        json!({"methods": ["PUT"], "hosts": hosts}),
    ] {
        let rules: Vec<_> = (0..100)
            .map(|number| json!({"id": format!("long-{number}"), "effect": "Allow", "to": [long]}))
            .collect();
        let policy = policy(&Value::Array(rules));
        let compared = |limit| {
            policy
                .nearest(&request(Some(WEB), "GET", "/a"), 1_000, limit)
                .len()
        };
        // The first part is always compared, whatever its length.
        assert_eq!(compared(1), 1);
        assert_eq!(compared(64), 6);
        assert_eq!(compared(usize::MAX), 100);
    }
}

#[test]
fn ignores_rules_that_match_in_one_part() {
    for path in ["/orders", "/orders/7"] {
        assert_eq!(
            nearest(&rules(), &request(Some(WEB), "GET", path), 9),
            if path == "/orders" {
                ["jobs: caller method", "old: caller path time"]
            } else {
                ["old: caller path time", "jobs: caller method path"]
            }
        );
    }
}
