//! Where mutual TLS is not asked for, gone around, or undone.

use serde_json::json;

use super::{Mesh, yaml_of};

#[test]
fn a_mesh_that_is_not_strict_is_found() {
    let missing = Mesh::good().without("istio-system.default.peerauthentication.yaml");
    let found = missing.findings();
    assert_eq!(found[0][0], "missing-object");
    assert_eq!(
        found[1],
        [
            "mesh-not-strict",
            "PeerAuthentication istio-system/default",
            "nothing asks for mutual TLS in `boutique`, `istio-ingress`, and Istio accepts plaintext"
        ]
    );
    assert_eq!(found.len(), 2);
    let second = yaml_of(
        "PeerAuthentication",
        "istio-system",
        "old",
        &json!({"mtls": {"mode": "PERMISSIVE"}}),
    );
    Mesh::good().with("second.yaml", &second).has(
        "mesh-not-strict",
        "PeerAuthentication istio-system/old",
        "the whole mesh accepts plaintext",
    );
}

#[test]
fn a_namespace_that_is_not_strict_is_found() {
    for (mode, accepts) in [("PERMISSIVE", "plaintext"), ("DISABLE", "plaintext alone")] {
        let spec = json!({"selector": {"matchLabels": {}}, "mtls": {"mode": mode}});
        Mesh::good()
            .with(
                "namespace.yaml",
                &yaml_of("PeerAuthentication", "boutique", "default", &spec),
            )
            .has(
                "namespace-not-strict",
                "PeerAuthentication boutique/default",
                &format!("all of `boutique` accepts {accepts}, and no document says so"),
            );
    }
}

#[test]
fn a_plaintext_port_is_found() {
    let selector = json!({"matchLabels": {"app": "cartservice"}});
    let of_port = json!({"selector": selector, "portLevelMtls": {"7070": {"mode": "DISABLE"}}});
    let object = |spec| yaml_of("PeerAuthentication", "boutique", "cart", spec);
    Mesh::good().with("port.yaml", &object(&of_port)).has(
        "plaintext-port",
        "PeerAuthentication boutique/cart",
        "port 7070 of `app=cartservice` accepts plaintext alone, and no document says so",
    );
    let of_all = json!({"selector": selector, "mtls": {"mode": "PERMISSIVE"}});
    Mesh::good().with("port.yaml", &object(&of_all)).has(
        "plaintext-port",
        "PeerAuthentication boutique/cart",
        "every port of `app=cartservice` accepts plaintext, and no document says so",
    );
}

/// The exception of the documents is not found; as soon as it is for more than they say, it is.
#[test]
fn an_exception_that_outgrew_its_document_is_found() {
    let file = "warehouse.warehouse-scanners.peerauthentication.yaml";
    for (old, new, message) in [
        (
            "\"9000\":",
            "\"9001\":",
            "port 9001 of `app=stock-intake` accepts plaintext, and no document says so: its exception was to end at 2030-06-30T00:00:00Z",
        ),
        (
            "mode: PERMISSIVE",
            "mode: DISABLE",
            "port 9000 of `app=stock-intake` accepts plaintext alone, and no document says so: its exception was to end at 2030-06-30T00:00:00Z",
        ),
    ] {
        let found = Mesh::good().replacing(file, old, new).findings();
        let codes: Vec<_> = found.iter().map(|found| found[0].as_str()).collect();
        assert_eq!(codes, ["changed-object", "plaintext-port"]);
        assert_eq!(found[1][2], message);
    }
}

#[test]
fn ports_beside_the_sidecar_are_found() {
    for (annotation, ports) in [
        (
            "traffic.sidecar.istio.io/excludeInboundPorts: \"9090, 8080\"",
            "ports 8080, 9090",
        ),
        (
            "traffic.sidecar.istio.io/includeInboundPorts: \"9090\"",
            "port 8080",
        ),
        ("sidecar.istio.io/interceptionMode: NONE", "every port"),
    ] {
        Mesh::good()
            .replacing(
                "workloads.yaml",
                "    metadata:\n      labels:\n        app: adservice",
                &format!("    metadata:\n      annotations:\n        {annotation}\n      labels:\n        app: adservice"),
            )
            .has(
                "bypassed-port",
                "Deployment boutique/adservice",
                &format!("calls to {ports} go around its sidecar, by an annotation of its pods"),
            );
    }
}

#[test]
fn mutual_tls_undone_by_a_destination_rule_is_found() {
    let tls = |mode: &str| json!({"tls": {"mode": mode}});
    let host = "cartservice.boutique.svc.cluster.local";
    for (spec, place, mode) in [
        (
            json!({"host": host, "trafficPolicy": tls("DISABLE")}),
            "spec.trafficPolicy",
            "DISABLE",
        ),
        (
            json!({"host": "cartservice", "trafficPolicy": tls("SIMPLE")}),
            "spec.trafficPolicy",
            "SIMPLE",
        ),
        (
            json!({"host": "*.local", "trafficPolicy": tls("MUTUAL")}),
            "spec.trafficPolicy",
            "MUTUAL",
        ),
        (
            json!({"host": "*", "trafficPolicy": {"tls": {}}}),
            "spec.trafficPolicy",
            "DISABLE",
        ),
        (
            json!({"host": host, "trafficPolicy": {"portLevelSettings": [{"port": {"number": 7070}, "tls": {"mode": "DISABLE"}}]}}),
            "spec.trafficPolicy.portLevelSettings[0]",
            "DISABLE",
        ),
        (
            json!({"host": host, "subsets": [{"name": "v1", "trafficPolicy": tls("DISABLE")}]}),
            "spec.subsets[0].trafficPolicy",
            "DISABLE",
        ),
    ] {
        let host = spec["host"].as_str().unwrap().to_owned();
        Mesh::good()
            .with("rule.yaml", &yaml_of("DestinationRule", "boutique", "cart", &spec))
            .has(
                "mutual-tls-undone",
                "DestinationRule boutique/cart",
                &format!("`{place}.tls.mode` has callers of `{host}` speak `{mode}`, and not mutual TLS with their identity"),
            );
    }
    // Outside the mesh nobody has an identity of it.
    let outside = json!({"host": "api.example.com", "trafficPolicy": tls("SIMPLE")});
    let mesh = Mesh::good().with(
        "rule.yaml",
        &yaml_of("DestinationRule", "boutique", "api", &outside),
    );
    assert_eq!(mesh.findings(), [[""; 3]; 0]);
}
