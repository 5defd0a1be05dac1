//! Mutual TLS that is not required, bypassed or disabled.

use serde_json::json;

use super::{Mesh, folder, object_yaml, rendered_shop, run, text};

#[test]
fn reports_a_mesh_that_is_not_strict() {
    let missing = Mesh::good().without("istio-system.default.peerauthentication.yaml");
    let found = missing.findings();
    assert_eq!(found[0][0], "missing-object");
    assert_eq!(
        found[1],
        [
            "mesh-not-strict",
            "PeerAuthentication istio-system/default",
            "no object requires mutual TLS in `boutique`, `istio-ingress`, so workloads there accept plaintext"
        ]
    );
    assert_eq!(found.len(), 2);
    let second = object_yaml(
        "PeerAuthentication",
        "istio-system",
        "old",
        &json!({"mtls": {"mode": "PERMISSIVE"}}),
    );
    Mesh::good().with("second.yaml", &second).reports_only(
        "mesh-not-strict",
        "PeerAuthentication istio-system/old",
        "the whole mesh accepts plaintext",
    );
}

#[test]
fn reports_a_namespace_that_is_not_strict() {
    for (mode, accepts) in [("PERMISSIVE", "plaintext"), ("DISABLE", "only plaintext")] {
        let spec = json!({"selector": {"matchLabels": {}}, "mtls": {"mode": mode}});
        Mesh::good()
            .with(
                "namespace.yaml",
                &object_yaml("PeerAuthentication", "boutique", "default", &spec),
            )
            .reports_only(
                "namespace-not-strict",
                "PeerAuthentication boutique/default",
                &format!(
                    "namespace `boutique` accepts {accepts}, but the `Mesh` has no exception for it"
                ),
            );
    }
}

#[test]
fn reports_a_plaintext_port() {
    let selector = json!({"matchLabels": {"app": "cartservice"}});
    let one_port = json!({"selector": selector, "portLevelMtls": {"7070": {"mode": "DISABLE"}}});
    let object = |spec| object_yaml("PeerAuthentication", "boutique", "cart", spec);
    Mesh::good()
        .with("port.yaml", &object(&one_port))
        .reports_only(
            "plaintext-port",
            "PeerAuthentication boutique/cart",
            "port 7070 of `app=cartservice` accepts only plaintext, but the `Mesh` has no exception for it",
        );
    let every_port = json!({"selector": selector, "mtls": {"mode": "PERMISSIVE"}});
    Mesh::good()
        .with("port.yaml", &object(&every_port))
        .reports_only(
            "plaintext-port",
            "PeerAuthentication boutique/cart",
            "every port of `app=cartservice` accepts plaintext, but the `Mesh` has no exception for it",
        );
}

/// A declared exception is not reported unless it covers more than its document.
#[test]
fn reports_an_exception_wider_than_its_document() {
    let file = "warehouse.warehouse-scanners.peerauthentication.yaml";
    for (old, new, message) in [
        (
            "\"9000\":",
            "\"9001\":",
            "port 9001 of `app=stock-intake` accepts plaintext, but the `Mesh` has no exception for it: the rendered one was valid until 2030-06-30T00:00:00Z",
        ),
        (
            "mode: PERMISSIVE",
            "mode: DISABLE",
            "port 9000 of `app=stock-intake` accepts only plaintext, but the `Mesh` has no exception for it: the rendered one was valid until 2030-06-30T00:00:00Z",
        ),
    ] {
        let found = Mesh::good().replacing(file, old, new).findings();
        let codes: Vec<_> = found.iter().map(|found| found[0].as_str()).collect();
        assert_eq!(codes, ["changed-object", "plaintext-port"]);
        assert_eq!(found[1][2], message);
    }
}

impl Mesh {
    /// The shop with this annotation on the pods of a service.
    fn annotated(annotation: &str) -> Self {
        Self::good().replacing(
            "workloads.yaml",
            "    metadata:\n      labels:\n        app: adservice",
            &format!("    metadata:\n      annotations:\n        {annotation}\n      labels:\n        app: adservice"),
        )
    }
}

/// The findings `bypassed-port` and `bypassed-outbound` for each annotation.
#[test]
fn reports_traffic_that_bypasses_the_sidecar() {
    let of = |annotation: &str| -> Vec<_> {
        let found = Mesh::annotated(annotation).findings();
        found
            .into_iter()
            .map(|[code, subject, message]| {
                assert_eq!(subject, "Deployment boutique/adservice", "{annotation}");
                let end = " bypass its sidecar because of a pod annotation";
                (code, message.strip_suffix(end).unwrap().to_owned())
            })
            .collect()
    };
    let pair = |code: &str, message: &str| (code.to_owned(), message.to_owned());
    for (annotation, ports) in [
        ("excludeInboundPorts: \"9090, 8080\"", "ports 8080, 9090"),
        ("includeInboundPorts: \"9090\"", "all ports except 9090"),
        ("includeInboundPorts: \"\"", "all ports"),
    ] {
        let found = of(&format!("traffic.sidecar.istio.io/{annotation}"));
        let expected = pair("bypassed-port", &format!("calls to {ports}"));
        assert_eq!(found, [expected], "{annotation}");
    }
    for (annotation, what) in [
        ("excludeOutboundPorts: \"3306\"", "port 3306"),
        ("excludeOutboundIPRanges: 0.0.0.0/0", "address 0.0.0.0/0"),
        (
            "includeOutboundIPRanges: 10.0.0.0/8",
            "all addresses except 10.0.0.0/8",
        ),
    ] {
        let found = of(&format!("traffic.sidecar.istio.io/{annotation}"));
        let expected = pair("bypassed-outbound", &format!("its calls to {what}"));
        assert_eq!(found, [expected], "{annotation}");
    }
    for (annotation, what) in [
        (
            "traffic.sidecar.istio.io/excludeInterfaces: net1",
            "interface net1",
        ),
        ("sidecar.istio.io/interceptionMode: NONE", "all ports"),
    ] {
        let expected = [
            pair("bypassed-port", &format!("calls to {what}")),
            pair("bypassed-outbound", &format!("its calls to {what}")),
        ];
        assert_eq!(of(annotation), expected, "{annotation}");
    }
    let all = "traffic.sidecar.istio.io/includeInboundPorts: \"*\"";
    assert!(of(all).is_empty());
}

/// Istio uses no mutual TLS for services declared outside the mesh.
#[test]
fn reports_a_service_declared_outside_the_mesh() {
    let entry = |host: &str, location: &str| {
        let spec = json!({"hosts": ["api.example.com", host], "location": location});
        let entry = object_yaml("ServiceEntry", "boutique", "extra", &spec);
        Mesh::good().with("entry.yaml", &entry).findings()
    };
    let foreign = [
        "foreign-object",
        "ServiceEntry boutique/extra",
        "no document declares it, and it adds hosts that workloads can reach",
    ]
    .map(str::to_owned);
    for host in [
        "cartservice.boutique.svc.cluster.local",
        "*.boutique.svc.cluster.local",
        "cartservice.boutique.svc",
        "cartservice.boutique",
        "cartservice",
    ] {
        let undone = [
            "mutual-tls-undone",
            "ServiceEntry boutique/extra",
            &format!("`spec.hosts[1]` declares `{host}` outside the mesh, so its callers do not use mutual TLS"),
        ]
        .map(str::to_owned);
        assert_eq!(entry(host, "MESH_EXTERNAL"), [foreign.clone(), undone]);
    }
    let inside = entry("cartservice.boutique.svc.cluster.local", "MESH_INTERNAL");
    assert_eq!(inside, std::slice::from_ref(&foreign));
    assert_eq!(entry("cartservice.example.com", "MESH_EXTERNAL"), [foreign]);
}

#[test]
fn reports_a_destination_rule_that_disables_mutual_tls() {
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
            .with("rule.yaml", &object_yaml("DestinationRule", "boutique", "cart", &spec))
            .reports_only(
                "mutual-tls-undone",
                "DestinationRule boutique/cart",
                &format!("`{place}.tls.mode` makes callers of `{host}` use `{mode}` instead of mutual TLS with their mesh identity"),
            );
    }
    // Services outside the mesh have no mesh identity.
    let outside = json!({"host": "api.example.com", "trafficPolicy": tls("SIMPLE")});
    let mesh = Mesh::good().with(
        "rule.yaml",
        &object_yaml("DestinationRule", "boutique", "api", &outside),
    );
    assert_eq!(mesh.findings(), [[""; 3]; 0]);
}

/// Deleting it would open the mesh, which the documents do not allow.
#[test]
fn a_mesh_without_a_mode_keeps_the_strict_object_of_the_cluster() {
    let name = "istio-system.default.peerauthentication.yaml";
    let rendered = rendered_shop().iter().find(|(file, _)| file == name);
    let (_, strict) = rendered.unwrap();
    let documents = "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {name: m}\n\
                     spec: {trustDomain: cluster.local, istioVersion: \"1.29\", defaults: {otherwise: Pass}}\n";
    let folder = folder(&[("manifests/a.yaml", strict), ("mesh.yaml", documents)]);
    let (manifests, mesh) = (
        folder.path().join("manifests"),
        folder.path().join("mesh.yaml"),
    );
    let run = run(&["verify", "-f", text(&mesh), "--manifests", text(&manifests)]);
    assert_eq!(run.status, 0, "{}{}", run.stdout, run.stderr);
    assert!(!run.stdout.contains("leftover"), "{}", run.stdout);
    assert!(
        run.stdout
            .contains("the `Mesh` leaves `mtls.mode` to the cluster"),
        "{}",
        run.stdout
    );
}
