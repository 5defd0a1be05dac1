//! Refused settings of a mesh other than its rules, each at its line.

#![expect(
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod exceptions;
mod external_hosts;
mod gateways;

use policy_schema::diagnostic::SourceText;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};

const MESH: &str = r#"apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: test}
spec:
  trustDomain: cluster.local
  istioVersion: "1.30"
  gateways:
    - name: public
      namespace: edge
      selector: {matchLabels: {istio: gateway}}
      serviceAccount: gateway
      servers:
        - {hosts: [a.example, "*.b.example"], tls: {secret: a}}
    - name: routes
      namespace: edge
      api: Kubernetes
      servers:
        - {hosts: [c.example], tls: {secret: c}}
"#;

const POLICY: &str = r#"---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  service: {ports: [{port: 80, targetPort: 8080}]}
  rules:
    - {id: edge, effect: Allow, from: [{serviceAccounts: [edge/gateway, edge/routes-istio]}], to: [{paths: ["/a*"], ports: [8080]}]}
"#;

/// The codes, each with the text at its place.
fn found(text: &str) -> Vec<(&'static str, String)> {
    let source = SourceText {
        name: "test".to_owned(),
        text: text.to_owned(),
    };
    let options = Options {
        at: Timestamp::parse("2026-06-01T00:00:00Z").unwrap(),
        istio_version: None,
    };
    let diagnostics = validate(&[source], options).diagnostics;
    let found = diagnostics.iter().map(|diagnostic| {
        let span = diagnostic.span;
        (
            diagnostic.code.as_str(),
            text[span.start..span.end].to_owned(),
        )
    });
    found.collect()
}

fn assert_found(text: &str, code: &str, place: &str) {
    let found = found(text);
    let is_it = |(found, at): &(&str, String)| *found == code && at.contains(place);
    assert!(
        found.iter().any(is_it),
        "{code} at `{place}`: {found:#?}\n{text}"
    );
}

/// The mesh with `more` in its `spec`.
fn mesh(more: &str) -> String {
    format!("{MESH}  {more}\n")
}

/// The policy with `more` in its `spec`, in the mesh.
fn policy(more: &str) -> String {
    format!("{MESH}{POLICY}  {more}\n")
}

#[test]
fn accepts_valid_documents() {
    for text in [
        mesh(
            "mtls: {mode: Strict, minVersion: \"1.2\", exceptions: [{name: a, namespace: b, owner: c, notAfter: \"2030-01-01T00:00:00Z\"}]}",
        ),
        mesh("certificates: {workloadTtl: 90m}"),
        mesh(
            "telemetry: {accessLog: {requests: All}, tracing: {provider: otel, samplingPercent: 0.01, service: otel.monitoring.svc, port: 1}}",
        ),
        policy(
            "exposures: [{gateway: public, hosts: [a.example, x.b.example], paths: [/ab, \"/a/*\"], timeout: 5s}, {gateway: routes, hosts: [c.example], paths: [\"/a/*\"]}]",
        ),
        policy(
            "externalHosts: [{host: x.example, ports: [{port: 443, protocol: TLS}, {port: 5432, protocol: TCP}]}]",
        ),
    ] {
        assert_eq!(found(&text), [], "{text}");
    }
}

#[test]
fn each_fault_of_a_mesh_is_found_at_its_place() {
    let exception = |more: &str| {
        mesh(&format!(
            "mtls: {{mode: Strict, exceptions: [{{name: a, namespace: b, owner: c, notAfter: \"2030-01-01T00:00:00Z\"{more}}}]}}"
        ))
    };
    for (text, code, place) in [
        (mesh("mtls: {exceptions: []}"), "empty-list", "[]"),
        (mesh("mtls: {minVersion: \"1.1\"}"), "unknown-value", "1.1"),
        (exception(", ports: [80]"), "missing-field", "name: a"),
        (exception(", selector: {matchLabels: {a: b}}, ports: [0]"), "invalid-value", "0"),
        (exception(", selector: {matchLabels: {}}"), "empty-matcher", "{}"),
        (exception("").replace("owner: c", "owner: \"\""), "empty-value", "\"\""),
        (exception("").replace("namespace: b,", "namespace: istio-system,"), "invalid-scope", "istio-system"),
        (exception("").replace("2030-01-01T00:00:00Z", "soon"), "invalid-time", "soon"),
        (exception("").replace("2030", "2026"), "expired-exception", "2026"),
        (exception("").replace("mode: Strict", "mode: Permissive"), "exclusive-fields", "name: a"),
        (exception("").replace("mode: Strict, ", ""), "missing-field", "name: a"),
        (mesh("clusterDomain: A_B"), "invalid-name", "A_B"),
        (mesh("revision: a.b"), "invalid-name", "a.b"),
        (mesh("certificates: {workloadTtl: 1d}"), "invalid-value", "1d"),
        (mesh("telemetry: {tracing: {provider: a, samplingPercent: 101}}"), "invalid-value", "101"),
        (mesh("telemetry: {tracing: {provider: \"\", samplingPercent: 1}}"), "empty-value", "\"\""),
        (mesh("telemetry: {tracing: {provider: a, samplingPercent: 1, port: 1}}"), "missing-field", "port: 1"),
        (mesh("telemetry: {accessLog: {requests: Some}}"), "unknown-value", "Some"),
        (MESH.replace("      serviceAccount: gateway\n", ""), "missing-field", "public"),
        (MESH.replace("      selector: {matchLabels: {istio: gateway}}\n", ""), "missing-field", "public"),
        (MESH.replace("      api: Kubernetes\n", "      api: Kubernetes\n      selector: {matchLabels: {a: b}}\n"), "exclusive-fields", "matchLabels: {a: b}"),
        (MESH.replace("name: routes", "name: public"), "duplicate-gateway", "public"),
        (MESH.replace("hosts: [c.example]", "hosts: [x.b.example]"), "duplicate-host", "x.b.example"),
        (MESH.replace("hosts: [c.example]", "hosts: []"), "empty-list", "[]"),
        (MESH.replace("hosts: [c.example]", "hosts: [\"*\"]"), "invalid-value", "*"),
        (MESH.replace("tls: {secret: a}", "tls: {secret: a}, port: 80"), "invalid-value", "port: 80"),
        (MESH.replace("tls: {secret: a}", "tls: {secret: a}, port: 8443"), "unsupported-by-istio", "8443"),
        (MESH.replace("tls: {secret: a}", "tls: {secret: a}, redirectPort: 8080"), "unsupported-by-istio", "8080"),
        (MESH.replace("tls: {secret: c}", "tls: {secret: c}, port: 15021"), "invalid-value", "15021"),
        (MESH.replace("tls: {secret: c}", "tls: {secret: c}, redirectPort: 15090"), "invalid-value", "15090"),
        (MESH.replace("- {hosts: [c.example], tls: {secret: c}}", "- {hosts: [c.example], tls: {secret: c}}\n        - {hosts: [d.example], tls: {secret: d}, port: 8443, redirectPort: 443}"), "invalid-value", "d.example"),
        (MESH.replace("- {hosts: [c.example], tls: {secret: c}}", "- {hosts: [c.example], tls: {secret: c}}\n        - {hosts: [d.example], tls: {secret: d}, port: 80, redirectPort: 81}"), "invalid-value", "d.example"),
        (MESH.replace("      api: Kubernetes\n", "      selector: {matchLabels: {istio: gateway, a: b}}\n      serviceAccount: other\n"), "duplicate-gateway", "a: b"),
        (MESH.replace("      api: Kubernetes\n", "      selector: {matchLabels: {istio: other}}\n      serviceAccount: gateway\n"), "duplicate-gateway", "gateway"),
        (MESH.replace("      api: Kubernetes\n", "      api: Kubernetes\n      serviceAccount: gateway\n"), "duplicate-gateway", "gateway"),
        (MESH.replace("\"1.30\"", "\"1.29\""), "unsupported-by-istio", "secret: c"),
        (MESH.replace("- {hosts: [c.example], tls: {secret: c}}", "- {hosts: [c.example], tls: {secret: c}}\n        - {hosts: [d.example], tls: {secret: d, minVersion: \"1.2\"}}"), "unsupported-by-istio", "1.2"),
    ] {
        assert_found(&text, code, place);
    }
}

#[test]
fn each_fault_of_a_policy_is_found_at_its_place() {
    let exposed = |text: &str| policy(&format!("exposures: [{{gateway: public, {text}}}]"));
    let routed = |text: &str| {
        policy(&format!(
            "exposures: [{{gateway: routes, hosts: [c.example], {text}}}]"
        ))
    };
    let external = |text: &str| policy(&format!("externalHosts: [{{host: x.example, {text}}}]"));
    let service =
        |text: &str| policy("").replace("service: {ports: [{port: 80, targetPort: 8080}]}", text);
    for (text, code, place) in [
        (policy("serviceAccount: A"), "invalid-name", "A"),
        (policy("exposures: []"), "empty-list", "[]"),
        (
            policy("exposures: [{gateway: none, hosts: [a.example]}]"),
            "unknown-gateway",
            "none",
        ),
        (
            exposed("hosts: [c.example]"),
            "unknown-gateway",
            "c.example",
        ),
        (
            exposed("hosts: [b.example]"),
            "unknown-gateway",
            "b.example",
        ),
        (
            exposed("hosts: [a.example, A.example]"),
            "duplicate-value",
            "A.example",
        ),
        (
            exposed("hosts: [a.example], port: 81"),
            "invalid-value",
            "81",
        ),
        (
            exposed("hosts: [a.example], paths: [a]"),
            "invalid-value",
            "a",
        ),
        (
            exposed("hosts: [a.example], paths: [\"/{*}\"]"),
            "invalid-value",
            "{*}",
        ),
        (
            exposed("hosts: [a.example], paths: [\"*\"]"),
            "invalid-value",
            "*",
        ),
        (exposed("hosts: [a.example], timeout: 1"), "wrong-type", "1"),
        (
            exposed("hosts: [a.example], timeout: 0s"),
            "invalid-value",
            "0s",
        ),
        (
            exposed("hosts: [a.example], paths: [/b]"),
            "exposure-without-rule",
            "gateway: public",
        ),
        (
            exposed("hosts: [a.example]").replace("ports: [8080]}]", "ports: [80]}]"),
            "exposure-without-rule",
            "gateway: public",
        ),
        (
            exposed("hosts: [a.example]").replace("edge/gateway", "edge/other"),
            "exposure-without-rule",
            "gateway: public",
        ),
        (
            exposed("hosts: [a.example]")
                .replace("effect: Allow", "effect: Allow, enforcement: Shadow"),
            "exposure-without-rule",
            "gateway: public",
        ),
        (routed("paths: [\"/a*\"]"), "unsupported-by-istio", "/a*"),
        (routed("paths: [/a//b]"), "unsupported-by-istio", "/a//b"),
        (routed("paths: [/a/./b]"), "unsupported-by-istio", "/a/./b"),
        (
            routed("paths: [\"/a/../*\"]"),
            "unsupported-by-istio",
            "/a/../*",
        ),
        (routed("paths: [/a/..]"), "unsupported-by-istio", "/a/.."),
        (
            routed("paths: [\"/a%2Fd/*\"]"),
            "unsupported-by-istio",
            "/a%2Fd/*",
        ),
        (
            policy(
                "exposures: [{gateway: public, hosts: [a.example]}, {gateway: public, hosts: [a.example]}]",
            ),
            "duplicate-host",
            "a.example",
        ),
        (
            service("exposures: [{gateway: public, hosts: [a.example]}]"),
            "missing-service",
            "gateway: public",
        ),
        (service("service: {ports: []}"), "empty-list", "[]"),
        (
            service("service: {ports: [{port: 0}]}"),
            "invalid-value",
            "0",
        ),
        (
            service("service: {ports: [{port: 1}, {port: 1}]}"),
            "duplicate-value",
            "port: 1",
        ),
        (
            service("service: {name: a.b, ports: [{port: 1}]}"),
            "invalid-name",
            "a.b",
        ),
        (
            service("service: {ports: [{port: 1}], traffic: {}}"),
            "empty-matcher",
            "{}",
        ),
        (
            service("service: {ports: [{port: 1}], traffic: {maxRetries: 0}}"),
            "invalid-value",
            "0",
        ),
        (
            service("service: {ports: [{port: 1}], traffic: {maxConnections: 4294967295}}"),
            "invalid-value",
            "4294967295",
        ),
        (
            service("service: {ports: [{port: 1}], traffic: {connectTimeout: 1.5s}}"),
            "invalid-value",
            "1.5s",
        ),
        (
            service(
                "service: {ports: [{port: 1}], traffic: {outlierDetection: {maxEjectionPercent: 101}}}",
            ),
            "invalid-value",
            "101",
        ),
        (
            service(
                "service: {ports: [{port: 1}], subsets: [{name: a, selector: {matchLabels: {}}}]}",
            ),
            "empty-matcher",
            "{}",
        ),
        (
            service(
                "service: {ports: [{port: 1}], subsets: [{name: a, selector: {matchLabels: {v: a}}}, {name: a, selector: {matchLabels: {v: b}}}]}",
            ),
            "duplicate-value",
            "a",
        ),
        (external("ports: []"), "empty-list", "[]"),
        (
            external("ports: [{port: 1, protocol: UDP}]"),
            "unknown-value",
            "UDP",
        ),
        (
            external("ports: [{port: 1, protocol: TCP}]").replace("x.example", "\"*.x.example\""),
            "unsupported-by-istio",
            "TCP",
        ),
        (
            external("ports: [{port: 1, protocol: TCP}, {port: 1, protocol: TLS}]"),
            "duplicate-value",
            "port: 1",
        ),
    ] {
        assert_found(&text, code, place);
    }
}
