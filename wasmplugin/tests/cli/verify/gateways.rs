//! Gateways that accept client certificates without validation, and objects that istiod creates for gateways.

use serde_json::{Value, json};

use super::{Mesh, object_yaml};

/// An Istio `Gateway` at the gateway pods of the shop.
fn gateway(tls: &Value) -> String {
    let spec = json!({
        "selector": {"istio": "ingressgateway"},
        "servers": [{"port": {"number": 8443, "protocol": "HTTPS", "name": "x"}, "hosts": ["*"], "tls": tls}],
    });
    object_yaml("Gateway", "istio-ingress", "extra", &spec)
}

fn codes(mesh: &Mesh) -> Vec<String> {
    let findings = mesh.findings().into_iter();
    let codes = findings.map(|[code, ..]| code);
    codes.filter(|code| code != "foreign-object").collect()
}

#[test]
fn reports_a_gateway_that_does_not_validate_client_certificates() {
    let unvalidated = "unvalidated-certificates";
    for (tls, expected) in [
        (
            json!({"mode": "OPTIONAL_MUTUAL", "credentialName": "c", "insecureSkipVerify": true}),
            &[unvalidated][..],
        ),
        (
            json!({"mode": "OPTIONAL_MUTUAL", "credentialName": "c"}),
            &[],
        ),
        (
            json!({"mode": "MUTUAL", "credentialName": "c", "insecureSkipVerify": false}),
            &[],
        ),
    ] {
        let mesh = Mesh::good().with("gateway.yaml", &gateway(&tls));
        assert_eq!(codes(&mesh), expected, "{tls}");
    }
    let kubernetes_gateway = |spec: Value| {
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "extra", "namespace": "istio-ingress"},
            "spec": spec,
        })
        .to_string()
    };
    let fallback = json!({"validation": {"mode": "AllowInsecureFallback"}});
    for spec in [
        json!({"tls": {"frontend": {"default": fallback}}}),
        json!({"tls": {"frontend": {"perPort": [{"port": 443, "tls": fallback}]}}}),
        json!({"listeners": [{"tls": {"frontendValidation": {"mode": "AllowInsecureFallback"}}}]}),
    ] {
        let mesh = Mesh::good().with("gateway.yaml", &kubernetes_gateway(spec.clone()));
        assert_eq!(codes(&mesh), [unvalidated], "{spec}");
    }
    let valid =
        json!({"tls": {"frontend": {"default": {"validation": {"mode": "AllowValidOnly"}}}}});
    let mesh = Mesh::good().with("gateway.yaml", &kubernetes_gateway(valid));
    assert_eq!(codes(&mesh), [""; 0]);
}

/// Any client can forge a certificate for any identity.
#[test]
fn reports_an_identity_policy_at_a_gateway_that_does_not_validate_certificates() {
    let objects = |label: &str| {
        let gateway = json!({
            "selector": {"app": label},
            "servers": [{"hosts": ["*"], "tls": {"mode": "OPTIONAL_MUTUAL", "insecureSkipVerify": true}}],
        });
        object_yaml("Gateway", "shop", "edge", &gateway) + "\n"
    };
    let workload = "\
apiVersion: v1
kind: Pod
metadata: {name: edge-1, namespace: shop, labels: {app: edge}}
spec: {containers: [{name: istio-proxy}]}
status: {phase: Running}
";
    let found = |rule: Value, label: &str| {
        let spec = json!({"selector": {"matchLabels": {"app": "edge"}}, "rules": [rule]});
        let mesh = super::ambient::mesh(&spec, "1.31", &[&objects(label), workload]);
        let found = super::ambient::codes(&mesh).into_iter();
        let codes = found.map(|[code, _]| code);
        codes
            .filter(|code| code.contains("identity") || code.contains("unvalidated"))
            .collect::<Vec<_>>()
    };
    let by_identity =
        json!({"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}]});
    let by_path = json!({"id": "x", "effect": "Deny", "to": [{"paths": ["/admin"]}]});
    let both = ["unvalidated-certificates", "forgeable-identity"];
    assert_eq!(found(by_identity.clone(), "edge"), both);
    assert_eq!(found(by_path, "edge"), both[..1]);
    // The gateway is for other pods.
    assert_eq!(found(by_identity, "other"), both[..1]);
}

/// Istio copies the labels of a `Gateway` to the objects that it creates for it.
#[test]
fn does_not_report_objects_that_istio_creates_for_a_gateway() {
    let made = |kind: &str, version: &str| {
        json!({
            "apiVersion": version,
            "kind": kind,
            "metadata": {
                "name": "public-istio",
                "namespace": "istio-ingress",
                "labels": {
                    "app.kubernetes.io/managed-by": "peergate",
                    "gateway.networking.k8s.io/gateway-name": "public",
                    "gateway.istio.io/managed": "istio.io-gateway-controller",
                },
                "ownerReferences": [{"kind": "Gateway", "name": "public"}],
            },
            "spec": {},
        })
    };
    let kinds = [
        ("Deployment", "apps/v1"),
        ("Service", "v1"),
        ("ServiceAccount", "v1"),
        ("Pod", "v1"),
        ("HorizontalPodAutoscaler", "autoscaling/v2"),
    ];
    let items: Vec<_> = kinds
        .iter()
        .map(|(kind, version)| made(kind, version))
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    let mesh = Mesh::good().with("made.json", &list.to_string());
    let found = mesh.findings();
    assert!(
        found.iter().all(|[code, ..]| code != "leftover-object"),
        "{found:#?}"
    );
}
