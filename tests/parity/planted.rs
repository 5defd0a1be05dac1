//! Tests the comparison itself: it finds planted differences, and knows only the documented ones.

use std::fs;
use std::path::Path;

use peergate_tests::random::{Names, TestRequest};
use policy_schema::engine::PeerIp;
use policy_schema::envoy::HttpFilter;
use policy_schema::policy::PolicySet;
use policy_schema::rule_spec::Otherwise;
use serde_json::{Value, json};

use crate::callers::Callers;
use crate::case::{documents, validated};
use crate::compare::{Decisions, decisions};
use crate::known_difference::KnownDifference;
use crate::proxy::{EnforcementPoint, Proxy, filters, http_chain, name};

/// The decisions of the filter and of RBAC with a part of its configuration replaced.
fn decisions_with(
    rules: &[Value],
    [written, planted]: [&str; 2],
    asked: &TestRequest,
) -> Decisions {
    let set: PolicySet = validated(&documents(rules, Otherwise::Deny)).unwrap();
    let (wasm, rbac): (Vec<_>, Vec<_>) = filters(&set, set.policies().first().unwrap())
        .into_iter()
        .partition(|filter| matches!(filter, HttpFilter::Wasm(_)));
    let rbac = Value::from(http_chain(&rbac)).to_string();
    assert!(rbac.contains(written), "{rbac}");
    let rbac: Vec<Value> = serde_json::from_str(&rbac.replace(written, planted)).unwrap();
    let mut callers = Callers::new();
    let listeners = [
        (name(0, EnforcementPoint::Filter), http_chain(&wasm)),
        (name(0, EnforcementPoint::Rbac), rbac),
    ];
    let proxy = Proxy::start_with(&listeners, &callers);
    let requests = std::slice::from_ref(asked);
    decisions(&proxy, 0, &set, &mut callers, requests).remove(0)
}

fn asked(names: Names, path: &str) -> TestRequest {
    TestRequest {
        peer: names.identity(),
        certificate: Some(names),
        is_unvalidated: false,
        method: Some(b"GET".to_vec()),
        path: Some(path.into()),
        host: Some(b"a.b".to_vec()),
        port: Some(80),
        local_ip: Some([10, 0, 0, 1].into()),
        peer_ip: PeerIp::Known([127, 0, 0, 1].into()),
        remote_ip: Some([10, 0, 0, 2].into()),
        forwarded_for: None,
        server_name: None,
        headers: Vec::new(),
        metadata: json!({}),
        now: 0,
    }
}

fn rules() -> [Value; 2] {
    [
        json!({"id": "a", "effect": "Allow", "to": [{"paths": ["/a", "/b"]}]}),
        json!({"id": "d", "effect": "Deny", "to": [{"paths": ["/b"]}]}),
    ]
}

#[test]
fn finds_a_planted_difference_in_rbac() {
    let web = || Names::uris(["spiffe://td1/ns/a/sa/a"]);
    let (a, b) = (asked(web(), "/a"), asked(web(), "/b"));
    let untouched = ["\"DENY\"", "\"DENY\""];
    assert!(!decisions_with(&rules(), untouched, &a).differ());
    assert!(!decisions_with(&rules(), untouched, &b).differ());
    // RBAC allows requests that the policy denies, and vice versa.
    assert!(decisions_with(&rules(), ["\"DENY\"", "\"LOG\""], &b).differ());
    assert!(decisions_with(&rules(), ["\"/a\"", "\"/c\""], &a).differ());
}

/// A planted difference is not excused because the caller has additional names.
#[test]
fn a_known_difference_does_not_hide_others() {
    let names = Names {
        dns: vec!["a.b".to_owned()],
        common_name: Some("/ns/ba/sa/x".to_owned()),
        ..Names::uris(["spiffe://td1/ns/a/sa/a"])
    };
    let planted = ["\"/a\"", "\"/c\""];
    assert!(decisions_with(&rules(), planted, &asked(names, "/a")).differ());
}

#[test]
fn every_known_difference_is_documented() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/language.md");
    let page = fs::read_to_string(page).unwrap();
    let section = page
        .split("\n## ")
        .find(|section| section.starts_with("Known differences\n"));
    for known in KnownDifference::ALL {
        let row = format!("\n| {} |", known.row());
        assert!(section.unwrap().contains(&row), "{row}");
    }
}
