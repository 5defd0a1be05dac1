//! Where the filter runs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use policy_schema::diagnostic::SourceText;
use policy_schema::istio::{ExtensionApi, extension};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use serde_json::{Value, json};

const MESH: &str = "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {name: mesh}\n\
    spec:\n  trustDomain: cluster.local\n  istioVersion: \"1.30\"\n  \
    filter: {image: oci://registry.example.com/filter@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef}\n  \
    gateways: [{name: edge, namespace: edge, selector: {matchLabels: {app: edge}}, serviceAccount: edge, servers: [{hosts: [a.example.com], tls: {secret: a, mode: Simple}}]}]\n";

/// `spec.match` of the policy's plugin.
fn traffic(namespace: &str, spec: &str) -> Value {
    let policy = format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\n\
         metadata: {{name: p, namespace: {namespace}}}\nspec: {{{spec}, rules: []}}\n"
    );
    let sources = [MESH, &policy].map(|text| SourceText {
        name: "policy.yaml".to_owned(),
        text: text.to_owned(),
    });
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    let validated = validate(&sources, options);
    let set = validated.policies.unwrap();
    let policy = set.policies().first().unwrap();
    let resource = extension(&set.rollout(policy), ExtensionApi::WasmPlugin).unwrap();
    let resource = json!(resource);
    resource.pointer("/spec/match").cloned().unwrap_or_default()
}

/// In Istio, a gateway is a client of the services behind it, so `SERVER` alone selects none of its
/// listeners (`type.v1beta1.WorkloadMode`).
#[test]
fn the_filter_runs_on_the_way_into_sidecars_and_on_all_of_a_gateway() {
    let server = json!([{"mode": "SERVER"}]);
    let gateway = "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: g}]";
    for (namespace, spec, expected) in [
        ("shop", "selector: {matchLabels: {app: cart}}", &server),
        ("shop", "scope: Namespace", &server),
        ("istio-system", "scope: Mesh", &server),
        ("shop", gateway, &Value::Null),
        (
            "shop",
            "selector: {matchLabels: {istio: ingressgateway}}",
            &Value::Null,
        ),
        ("edge", "selector: {matchLabels: {app: edge}}", &Value::Null),
        ("shop", "selector: {matchLabels: {app: edge}}", &server),
    ] {
        assert_eq!(traffic(namespace, spec), *expected, "{namespace} {spec}");
    }
}
