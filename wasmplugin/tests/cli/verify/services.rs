//! Ports that speak no HTTP by the `Service`s that were seen.

use serde_json::{Value, json};

use super::{NOW, folder, run, text};

/// A policy that denies paths, with this operation.
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

/// The ports at which a rule denies connections, of a `Service` with this port.
fn found(operation: &str, more: &str, port: &Value) -> Vec<String> {
    let workloads = [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"istio-injection": "enabled"}}}),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "mq", "namespace": "shop"},
            "spec": {"selector": {"app": "mq"}, "ports": [port]},
        }),
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
fn a_denial_by_path_on_a_port_without_http_is_found() {
    let paths = "{paths: [\"/admin/*\"]}";
    let expected = |port: u16, reason: &str| {
        vec![format!(
            "rule `d` of policy `shop/mq` asks for HTTP, and port {port} {reason} in Service shop/mq: the rule denies connections there"
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
            json!({"port": 3306}),
            3306,
            "is one that Istio never takes for HTTP",
        ),
    ] {
        assert_eq!(found(paths, "", &port), expected(number, reason), "{port}");
    }
}

#[test]
fn nothing_is_found_where_a_rule_leaves_the_port_out() {
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
