//! The comparison of the filter with Envoy's RBAC counts differences and agreement.

use peergate_sandbox::Request;
use policy_schema::envoy::rbac;
use policy_schema::istio::authorization_policies;
use policy_schema::rule_spec::Enforcement;
use serde_json::{Value, json};

use crate::mesh::{Mesh, WEB, comparing_filter, plugin_config, policies};

const COUNTER: &str = "peergate_plane_comparisons_total";

/// RBAC as rendered from the document, except filters with this text.
fn rbac_without(cut: &str) -> Vec<Value> {
    let policies = policies();
    let policy = policies.policy("shop", "orders").unwrap();
    let objects = authorization_policies(&policies.rollout(policy));
    let filters = rbac::http_filters(&objects, policies.mesh().trust_domains());
    let text = serde_json::to_string(&filters).unwrap();
    assert!(cut.is_empty() || text.contains(cut), "{text}");
    let text = if cut.is_empty() {
        text
    } else {
        text.replace(cut, "/somewhere-else")
    };
    serde_json::from_str(&text).unwrap()
}

/// A proxy with the filter, followed by these filters.
fn mesh(enforcement: Enforcement, rbac: Vec<Value>) -> Mesh {
    let config = plugin_config(|config| config.enforcement = enforcement);
    let filters = std::iter::once(comparing_filter(config)).chain(rbac);
    Mesh::with_filters(filters.collect())
}

/// The counters, each as a pair of verdicts and its count.
fn counted(mesh: &Mesh) -> Vec<(&'static str, f64)> {
    let metrics = mesh.metrics();
    let all = [
        "both-allow",
        "both-deny",
        "only-filter-denies",
        "only-rbac-denies",
        "no-rbac",
    ];
    let values = all.map(|verdicts| {
        let labels = [
            ("peergate_policy", "shop_orders"),
            ("peergate_verdicts", verdicts),
        ];
        let value = metrics.value(COUNTER, &labels);
        (
            verdicts,
            value.unwrap_or_else(|| panic!("{verdicts} is not defined")),
        )
    });
    values
        .into_iter()
        .filter(|(_, value)| *value > 0.0)
        .collect()
}

fn send(mesh: &Mesh, path: &str) -> u16 {
    let response = mesh.client_as(WEB).send(&Request::get(path));
    response.unwrap().status
}

#[test]
fn counts_agreement_and_skips_denied_requests() {
    let mesh = mesh(Enforcement::Enforce, rbac_without(""));
    assert_eq!(send(&mesh, "/orders"), 200);
    assert_eq!(send(&mesh, "/orders/1"), 200);
    assert_eq!(send(&mesh, "/admin"), 403);
    assert_eq!(counted(&mesh), [("both-allow", 2.0)]);
}

#[test]
fn counts_denials_by_rbac_only() {
    let mesh = mesh(Enforcement::Enforce, rbac_without("/orders"));
    assert_eq!(send(&mesh, "/orders"), 403);
    assert_eq!(counted(&mesh), [("only-rbac-denies", 1.0)]);
}

#[test]
fn counts_denials_by_the_filter_only() {
    // Only RBAC's filter with `Deny` rules, which lets everything else pass.
    let mut denials = rbac_without("");
    denials.truncate(1);
    let mesh = mesh(Enforcement::Shadow, denials);
    assert_eq!(send(&mesh, "/admin"), 200);
    assert_eq!(counted(&mesh), [("only-filter-denies", 1.0)]);
}

#[test]
fn counts_denials_by_both() {
    let mesh = mesh(Enforcement::Shadow, rbac_without(""));
    assert_eq!(send(&mesh, "/admin"), 403);
    assert_eq!(send(&mesh, "/orders"), 200);
    assert_eq!(counted(&mesh), [("both-allow", 1.0), ("both-deny", 1.0)]);
}

#[test]
fn counts_requests_without_rbac() {
    let mesh = mesh(Enforcement::Enforce, Vec::new());
    assert_eq!(send(&mesh, "/orders"), 200);
    assert_eq!(counted(&mesh), [("no-rbac", 1.0)]);
}

/// If a filter between the two replies, RBAC does not see the request.
#[test]
fn skips_requests_answered_before_rbac() {
    let fault = json!({
        "name": "envoy.filters.http.fault",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
            "abort": {"http_status": 403, "percentage": {"numerator": 100}},
            "headers": [{"name": "x-fault", "present_match": true}],
        },
    });
    let filters = std::iter::once(fault).chain(rbac_without(""));
    let mesh = mesh(Enforcement::Enforce, filters.collect());
    assert_eq!(send(&mesh, "/orders"), 200);
    let web = mesh.client_as(WEB);
    let aborted = web.send(&Request::get("/orders").header("x-fault", "1"));
    assert_eq!(aborted.unwrap().status, 403);
    assert_eq!(counted(&mesh), [("both-allow", 1.0)]);
}

#[test]
fn the_default_module_has_no_comparison_counter() {
    let mesh = Mesh::start();
    send(&mesh, "/orders");
    assert_eq!(mesh.metrics().value(COUNTER, &[]), None);
}
