//! `EnvoyFilter`s at proxies that enforce policies.

#![expect(
    clippy::indexing_slicing,
    reason = "what the tests share may fail as the tests do"
)]

use serde_json::{Value, json};

use super::ambient::mesh;
use super::{Mesh, object_yaml};

const RBAC: &str = "envoy.filters.http.rbac";

fn removal(filter: &str) -> Value {
    json!({
        "applyTo": "HTTP_FILTER",
        "match": {
            "context": "SIDECAR_INBOUND",
            "listener": {"filterChain": {"filter": {
                "name": "envoy.filters.network.http_connection_manager",
                "subFilter": {"name": filter},
            }}},
        },
        "patch": {"operation": "REMOVE"},
    })
}

/// The findings of an `EnvoyFilter` in a good mesh, except `foreign-object`.
fn found(namespace: &str, labels: &Value, patches: &[Value]) -> Vec<[String; 3]> {
    let mut spec = json!({"configPatches": patches});
    if !labels.is_null() {
        spec["workloadSelector"] = json!({"labels": labels});
    }
    let text = object_yaml("EnvoyFilter", namespace, "extra", &spec);
    let findings = Mesh::good().with("filter.json", &text).findings();
    let (foreign, others): (Vec<_>, Vec<_>) = findings
        .into_iter()
        .partition(|[code, ..]| code == "foreign-object");
    assert_eq!(foreign.len(), 1);
    others
}

fn undone_finding(namespace: &str, does: &str) -> [String; 3] {
    [
        "enforcement-undone".to_owned(),
        format!("EnvoyFilter {namespace}/extra"),
        format!("{does}, at proxies that enforce policies"),
    ]
}

#[test]
fn an_envoy_filter_that_removes_an_enforcing_filter_is_an_error() {
    let plugin = "extensions.istio.io/wasmplugin/boutique.cartservice-peergate";
    for filter in [RBAC, plugin] {
        let expected = undone_finding("boutique", &format!("removes the filter `{filter}`"));
        for labels in [json!(null), json!({"app": "cartservice"})] {
            let found = found("boutique", &labels, &[removal(filter)]);
            assert_eq!(found, std::slice::from_ref(&expected), "{labels}");
        }
    }
}

/// Uses the selectors of policies in place of workload labels.
#[test]
fn checks_an_envoy_filter_without_workload_manifests() {
    for (namespace, app, is_judged) in [
        ("boutique", "cartservice", true),
        ("istio-system", "cartservice", true),
        ("boutique", "absent", false),
        ("elsewhere", "cartservice", false),
    ] {
        let spec = json!({
            "workloadSelector": {"labels": {"app": app}},
            "configPatches": [removal(RBAC)],
        });
        let findings = Mesh::good()
            .without("workloads.yaml")
            .with(
                "filter.json",
                &object_yaml("EnvoyFilter", namespace, "extra", &spec),
            )
            .findings();
        let is_undone = |[code, ..]: &[String; 3]| code == "enforcement-undone";
        let has_it = findings.iter().any(is_undone);
        assert_eq!(has_it, is_judged, "{namespace} {app}: {findings:#?}");
    }
}

/// It matches no workload, or none that a policy protects.
#[test]
fn ignores_an_envoy_filter_for_unprotected_workloads() {
    for (namespace, labels) in [
        ("boutique", json!({"app": "absent"})),
        ("elsewhere", json!(null)),
        ("elsewhere", json!({"app": "cartservice"})),
    ] {
        let found = found(namespace, &labels, &[removal(RBAC)]);
        assert_eq!(found, [[""; 3]; 0], "{namespace} {labels}");
    }
}

#[test]
fn an_envoy_filter_in_the_root_namespace_applies_to_the_whole_mesh() {
    let expected = undone_finding("istio-system", &format!("removes the filter `{RBAC}`"));
    for labels in [json!(null), json!({"app": "cartservice"})] {
        let found = found("istio-system", &labels, &[removal(RBAC)]);
        assert_eq!(found, std::slice::from_ref(&expected), "{labels}");
    }
}

#[test]
fn checks_every_patch_and_shows_its_line() {
    let untrusted = json!({
        "applyTo": "FILTER_CHAIN",
        "match": {"context": "SIDECAR_INBOUND"},
        "patch": {"operation": "MERGE", "value": {"transport_socket": {"typed_config": {"common_tls_context": {
            "validation_context": {"trust_chain_verification": "ACCEPT_UNTRUSTED"},
        }}}}},
    });
    let paths = json!({
        "applyTo": "NETWORK_FILTER",
        "patch": {"operation": "MERGE", "value": {"typed_config": {"normalize_path": false}}},
    });
    let lua = json!({
        "applyTo": "HTTP_FILTER",
        "patch": {"operation": "INSERT_FIRST", "value": {"name": "mine", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        }}},
    });
    let limit = json!({
        "applyTo": "HTTP_FILTER",
        "patch": {"operation": "INSERT_BEFORE", "value": {"name": "mine", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        }}},
    });
    let found = found(
        "boutique",
        &json!({"app": "cartservice"}),
        &[untrusted, paths, lua, limit],
    );
    let unknown = [
        "not-checked".to_owned(),
        "EnvoyFilter boutique/extra".to_owned(),
        "adds a filter of type `lua`, which can change or answer requests, at proxies that enforce policies: its effect on enforcement is unknown".to_owned(),
    ];
    assert_eq!(
        found,
        [
            undone_finding("boutique", "accepts unvalidated certificates"),
            undone_finding(
                "boutique",
                "sets `normalize_path`, which contradicts `pathNormalization` of the `Mesh`",
            ),
            unknown,
        ]
    );
}

#[test]
fn shows_the_line_of_a_patch() {
    let filter = "\
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: extra, namespace: boutique}
spec:
  configPatches:
    - applyTo: CLUSTER
      patch: {operation: ADD, value: {name: x}}
    - applyTo: ROUTE_CONFIGURATION
      patch: {operation: MERGE, value: {ignore_path_parameters_in_path_matching: true}}
";
    let run = Mesh::good()
        .with("filter.yaml", filter)
        .verify(&["--output", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let undone = findings
        .iter()
        .find(|finding| finding["code"] == "enforcement-undone");
    assert_eq!(undone.unwrap()["line"], json!(8), "{report:#}");
}

#[test]
fn names_policies_that_trust_a_gateway_that_an_envoy_filter_opens_to_any_certificate() {
    let patch = json!({
        "applyTo": "FILTER_CHAIN",
        "match": {"context": "GATEWAY"},
        "patch": {"operation": "MERGE", "value": {"transport_socket": {"typed_config": {"common_tls_context": {
            "validation_context": {"trust_chain_verification": "ACCEPT_UNTRUSTED"},
        }}}}},
    });
    let found = found("istio-ingress", &json!(null), &[patch]);
    let message = "makes gateways accept client certificates without validating them";
    let expected = [
        "unvalidated-certificates",
        "EnvoyFilter istio-ingress/extra",
        message,
    ];
    assert_eq!(found, [expected]);
}

/// Istio creates the pods of a gateway; they need not be among the manifests.
#[test]
fn checks_an_envoy_filter_for_a_declared_gateway() {
    let mut patch = removal(RBAC);
    patch["match"]["context"] = json!("GATEWAY");
    let gateway = json!({"istio": "ingressgateway"});
    let found = found("istio-ingress", &gateway, &[patch]);
    assert_eq!(
        found,
        [undone_finding(
            "istio-ingress",
            &format!("removes the filter `{RBAC}`")
        )]
    );
}

/// The documents need not declare the gateway.
#[test]
fn checks_an_envoy_filter_for_the_target_gateway_of_a_policy() {
    let mut patch = removal(RBAC);
    patch["match"]["context"] = json!("GATEWAY");
    let filter = object_yaml(
        "EnvoyFilter",
        "shop",
        "extra",
        &json!({"configPatches": [patch]}),
    );
    let anonymous = json!([{"id": "a", "effect": "Allow", "from": [{"anonymous": true}]}]);
    for (target, is_judged) in [
        (
            json!({"selector": {"matchLabels": {"istio": "ingressgateway"}}}),
            true,
        ),
        (
            json!({"selector": {"matchLabels": {"app": "istio-ingress"}}}),
            true,
        ),
        (
            json!({"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}]}),
            true,
        ),
        (
            json!({"selector": {"matchLabels": {"app": "broker"}}}),
            false,
        ),
    ] {
        let mut spec = target.clone();
        spec["rules"] = anonymous.clone();
        let findings = mesh(&spec, "1.30", &[&filter]).findings();
        let found = findings
            .iter()
            .any(|[code, ..]| code == "enforcement-undone");
        assert_eq!(found, is_judged, "{target}: {findings:?}");
    }
}
