//! Ports declared with another protocol than HTTP.

use serde_json::{Value, json};

use super::{NOW, folder, run, text};

/// A policy with a rule that denies this operation.
fn documents(operation: &str, more: &str) -> String {
    format!(
        "apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {{name: m}}
spec: {{trustDomain: cluster.local, istioVersion: \"1.31\", mtls: {{mode: Strict}}, defaults: {{otherwise: Pass}}}}
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {{name: mq, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: mq}}}}
  otherwise: Pass
  {more}
  rules: [{{id: d, effect: Deny, to: [{operation}]}}]
"
    )
}

/// The ports of a `Service` with this port at which a rule denies connections.
fn found(operation: &str, more: &str, port: &Value) -> Vec<String> {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "mq", "namespace": "shop"},
        "spec": {"selector": {"app": "mq"}, "ports": [port]},
    });
    found_by(operation, more, &service)
}

/// The ports at which a rule denies connections, given this object.
fn found_by(operation: &str, more: &str, object: &Value) -> Vec<String> {
    let workloads = [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"istio-injection": "enabled"}}}),
        object.clone(),
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "mq", "namespace": "shop"},
            "spec": {"template": {
                "metadata": {"labels": {"app": "mq"}},
                "spec": {"containers": [{"name": "b", "ports": [{"name": "amq", "containerPort": 5672}]}]},
            }},
        }),
    ];
    let list = json!({"apiVersion": "v1", "kind": "List", "items": workloads});
    let folder = folder(&[
        ("documents.yaml", &documents(operation, more)),
        ("mesh.json", &list.to_string()),
    ]);
    let path = |name: &str| folder.path().join(name);
    let (documents, mesh) = (path("documents.yaml"), path("mesh.json"));
    let args = ["verify", "-f", text(&documents), "--manifests", text(&mesh)];
    let run = run(&[&args[..], &["--at", NOW, "--output", "json"]].concat());
    assert!(run.status != 3, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let findings = report
        .pointer("/findings")
        .and_then(Value::as_array)
        .unwrap();
    findings
        .iter()
        .filter(|finding| finding.get("code") == Some(&json!("denies-tcp")))
        .map(|finding| {
            finding
                .get("message")
                .and_then(Value::as_str)
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
fn reports_a_path_denial_on_a_tcp_port() {
    let paths = "{paths: [\"/admin/*\"]}";
    let expected = |port: u16, reason: &str| {
        vec![format!(
            "rule `d` of policy `shop/mq` tests HTTP fields, but port {port} {reason} in Service shop/mq: the rule denies connections there"
        )]
    };
    let amqp = json!({"name": "tcp-amqp", "port": 5672});
    for operation in [
        paths,
        "{notPorts: [80], paths: [\"/admin/*\"]}",
        "{ports: [80, 5672], methods: [GET]}",
        "{notPaths: [\"/admin/*\"]}",
    ] {
        let found = found(operation, "", &amqp);
        assert_eq!(found, expected(5672, "has `name: tcp-amqp`"), "{operation}");
    }
    for (port, number, reason) in [
        (
            json!({"name": "http", "appProtocol": "tcp", "port": 80}),
            80,
            "has `appProtocol: tcp`",
        ),
        (
            json!({"name": "tls", "port": 443, "targetPort": 8443}),
            8443,
            "has `name: tls`",
        ),
        (
            json!({"name": "https-x", "port": 443, "targetPort": "amq"}),
            5672,
            "has `name: https-x`",
        ),
        (
            json!({"appProtocol": "kubernetes.io/wss", "port": 5672}),
            5672,
            "has `appProtocol: kubernetes.io/wss`",
        ),
        (json!({"port": 3306}), 3306, "is never detected as HTTP"),
    ] {
        assert_eq!(found(paths, "", &port), expected(number, reason), "{port}");
    }
}

#[test]
fn reports_nothing_if_the_rule_excludes_the_port() {
    let paths = "{paths: [\"/admin/*\"]}";
    let amqp = json!({"name": "tcp-amqp", "port": 5672});
    for (operation, more, port) in [
        (paths, "tcpPorts: [5672]", amqp.clone()),
        (
            "{notPorts: [5672], paths: [\"/admin/*\"]}",
            "",
            amqp.clone(),
        ),
        ("{ports: [80], paths: [\"/admin/*\"]}", "", amqp.clone()),
        ("{ports: [5672]}", "", amqp),
        (paths, "", json!({"name": "http-web", "port": 80})),
        (paths, "", json!({"name": "grpc-web", "port": 80})),
        (
            paths,
            "",
            json!({"name": "tcp", "appProtocol": "kubernetes.io/ws", "port": 80}),
        ),
        (
            paths,
            "",
            json!({"name": "tcp", "appProtocol": "kubernetes.io/h2c", "port": 80}),
        ),
        (
            paths,
            "",
            json!({"name": "tcp", "appProtocol": "http_proxy", "port": 80}),
        ),
        (
            paths,
            "",
            json!({"name": "tcp", "appProtocol": "http", "port": 80}),
        ),
        (paths, "", json!({"name": "web", "port": 8080})),
        (
            paths,
            "",
            json!({"name": "tcp-dns", "protocol": "UDP", "port": 53}),
        ),
    ] {
        assert_eq!(
            found(operation, more, &port),
            [""; 0],
            "{operation} {more} {port}"
        );
    }
}

/// There Istio uses only the protocol of a port.
#[test]
fn considers_ports_from_service_entries_and_sidecars() {
    let paths = "{paths: [\"/admin/*\"]}";
    let object = |kind: &str, namespace: &str, spec: &Value| {
        json!({
            "apiVersion": "networking.istio.io/v1", "kind": kind,
            "metadata": {"name": "a", "namespace": namespace}, "spec": spec,
        })
    };
    let mq = json!({"labels": {"app": "mq"}});
    let entry =
        |port: Value| json!({"hosts": ["mq.example"], "workloadSelector": mq, "ports": [port]});
    let sidecar = |listener: Value| json!({"workloadSelector": mq, "ingress": [listener]});
    let tcp = json!({"number": 5672, "protocol": "TCP", "name": "http"});
    let https = json!({"number": 443, "protocol": "HTTPS", "name": "a"});
    for (kind, namespace, spec, expected) in [
        (
            "ServiceEntry",
            "shop",
            entry(tcp.clone()),
            Some((5672, "TCP")),
        ),
        (
            "ServiceEntry",
            "shop",
            entry(json!({"number": 80, "targetPort": 8080, "protocol": "mongo", "name": "a"})),
            Some((8080, "mongo")),
        ),
        (
            "ServiceEntry",
            "shop",
            entry(json!({"number": 3306, "protocol": "HTTP", "name": "tcp"})),
            None,
        ),
        (
            "ServiceEntry",
            "shop",
            entry(json!({"number": 3306, "name": "tcp"})),
            None,
        ),
        ("ServiceEntry", "other", entry(tcp.clone()), None),
        (
            "ServiceEntry",
            "shop",
            json!({"hosts": ["mq.example"], "ports": [tcp]}),
            None,
        ),
        (
            "ServiceEntry",
            "shop",
            json!({"hosts": ["mq.example"], "ports": [tcp], "workloadSelector": {"labels": {"app": "b"}}}),
            None,
        ),
        (
            "Sidecar",
            "shop",
            sidecar(json!({"port": tcp})),
            Some((5672, "TCP")),
        ),
        (
            "Sidecar",
            "shop",
            json!({"ingress": [{"port": tcp}]}),
            Some((5672, "TCP")),
        ),
        (
            "Sidecar",
            "istio-system",
            json!({"ingress": [{"port": tcp}]}),
            Some((5672, "TCP")),
        ),
        (
            "Sidecar",
            "other",
            json!({"ingress": [{"port": tcp}]}),
            None,
        ),
        (
            "Sidecar",
            "shop",
            sidecar(json!({"port": https})),
            Some((443, "HTTPS")),
        ),
        (
            "Sidecar",
            "shop",
            sidecar(json!({"port": https, "tls": {"mode": "SIMPLE"}})),
            None,
        ),
        (
            "Sidecar",
            "shop",
            sidecar(json!({"port": {"number": 80, "protocol": "GRPC"}})),
            None,
        ),
    ] {
        let object = object(kind, namespace, &spec);
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(port, protocol)| format!("rule `d` of policy `shop/mq` tests HTTP fields, but port {port} has `protocol: {protocol}` in {kind} {namespace}/a: the rule denies connections there"))
            .collect();
        assert_eq!(found_by(paths, "", &object), expected, "{object}");
    }
}

/// Listeners of a `Sidecar` replace those that Istio creates for services, and only one `Sidecar` applies to a
/// workload.
#[test]
fn the_most_specific_sidecar_overrides_services() {
    let paths = "{paths: [\"/admin/*\"]}";
    let object = |kind: &str, namespace: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": "networking.istio.io/v1", "kind": kind,
            "metadata": {"name": name, "namespace": namespace}, "spec": spec,
        })
    };
    let mq = json!({"labels": {"app": "mq"}});
    let port =
        |protocol: &str| json!([{"port": {"number": 5672, "protocol": protocol, "name": "a"}}]);
    let tcp_service = object(
        "ServiceEntry",
        "shop",
        "entry",
        json!({"hosts": ["mq.example"], "workloadSelector": mq, "ports": [{"number": 5672, "protocol": "TCP", "name": "a"}]}),
    );
    let pods_sidecar = |protocol| {
        object(
            "Sidecar",
            "shop",
            "pods",
            json!({"workloadSelector": mq, "ingress": port(protocol)}),
        )
    };
    let namespace_sidecar =
        |protocol| object("Sidecar", "shop", "all", json!({"ingress": port(protocol)}));
    let mesh_sidecar = |protocol| {
        object(
            "Sidecar",
            "istio-system",
            "all",
            json!({"ingress": port(protocol)}),
        )
    };
    let without_listeners = object(
        "Sidecar",
        "shop",
        "all",
        json!({"egress": [{"hosts": ["./*"]}]}),
    );
    for (objects, is_found) in [
        (vec![tcp_service.clone()], true),
        (vec![tcp_service.clone(), pods_sidecar("HTTP")], false),
        (vec![tcp_service.clone(), namespace_sidecar("HTTP")], false),
        (vec![tcp_service.clone(), mesh_sidecar("HTTP")], false),
        (vec![tcp_service.clone(), without_listeners.clone()], true),
        (
            vec![tcp_service, without_listeners.clone(), mesh_sidecar("HTTP")],
            true,
        ),
        (vec![mesh_sidecar("TCP")], true),
        (vec![mesh_sidecar("TCP"), without_listeners], false),
        (vec![mesh_sidecar("TCP"), namespace_sidecar("HTTP")], false),
        (vec![namespace_sidecar("HTTP"), pods_sidecar("TCP")], true),
        (vec![namespace_sidecar("TCP"), pods_sidecar("HTTP")], false),
    ] {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        assert_eq!(!found_by(paths, "", &list).is_empty(), is_found, "{list}");
    }
}
