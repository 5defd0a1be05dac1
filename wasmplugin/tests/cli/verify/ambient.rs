//! Policies for workloads in ambient mode and for services behind waypoints.

#![expect(
    clippy::indexing_slicing,
    reason = "what the tests share may fail as the tests do"
)]

use serde_json::{Value, json};

use super::{Mesh, NOW, folder, run, text};

const NAMESPACE: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}
";

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: broker, namespace: shop}
spec:
  selector: {matchLabels: {app: broker}}
  template:
    metadata: {labels: {app: broker}}
    spec: {containers: [{name: b, image: x}]}
";

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata: {name: broker, namespace: shop, labels: {istio.io/use-waypoint: waypoint}}
";

const WAYPOINT: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: shop}
spec: {gatewayClassName: istio-waypoint}
";

/// The rendered mesh of one policy with this `spec`, and additional objects.
pub(super) fn mesh(spec: &Value, version: &str, objects: &[&str]) -> Mesh {
    mesh_with_line("", spec, version, objects)
}

/// Same with one more line in the `Mesh`.
pub(super) fn mesh_with_line(line: &str, spec: &Value, version: &str, objects: &[&str]) -> Mesh {
    let documents = format!(
        "\
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {{name: m}}
spec:
  trustDomain: cluster.local
  istioVersion: \"{version}\"
  {line}
  filter: {{image: \"oci://registry.example.com/peergate/filter@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef\"}}
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {{name: broker, namespace: shop}}
spec: {spec}
"
    );
    let documents = folder(&[("mesh.yaml", &documents)]).keep();
    let rendered = run(&["render", "-f", text(&documents), "--at", NOW]);
    assert_eq!(rendered.status, 0, "{}", rendered.stderr);
    let objects = objects.join("---\n");
    Mesh {
        folder: folder(&[
            ("rendered.yaml", &rendered.stdout),
            ("objects.yaml", &objects),
        ]),
        documents,
    }
}

/// The codes and messages of findings with these rules at workloads in ambient mode.
fn ambient_findings(rules: &Value, objects: &[&str]) -> Vec<[String; 2]> {
    let spec = json!({"selector": {"matchLabels": {"app": "broker"}}, "rules": rules});
    codes(&mesh(&spec, "1.29", objects))
}

pub(super) fn codes(mesh: &Mesh) -> Vec<[String; 2]> {
    let findings = mesh.findings().into_iter();
    findings.map(|[code, _, message]| [code, message]).collect()
}

fn web() -> Value {
    json!({"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}]})
}

fn with(mut rule: Value, field: &str, value: Value) -> Value {
    rule[field] = value;
    rule
}

#[test]
fn reports_rules_that_ztunnel_does_not_enforce() {
    let deny = |field: &str, value: Value| with(json!({"id": "x", "effect": "Deny"}), field, value);
    let port = json!([{"ports": [5672]}]);
    let path = json!([{"paths": ["/admin"]}]);
    let both = json!([{"paths": ["/admin"], "ports": [5672]}]);
    let timed = |rule| with(rule, "notAfter", json!("2100-01-01T00:00:00Z"));
    let jwt = json!([{"requestPrincipals": ["https://issuer.example/*"]}]);
    for (rule, consequence) in [
        (deny("to", port.clone()), None),
        (
            with(
                json!({"id": "x", "effect": "Allow", "from": [{"namespaces": ["a"]}]}),
                "to",
                port.clone(),
            ),
            None,
        ),
        (deny("to", path.clone()), Some("test only HTTP fields")),
        (
            deny("to", json!([{"notPaths": ["/health"]}])),
            Some("test only HTTP fields"),
        ),
        (deny("from", jwt), Some("test only HTTP fields")),
        (
            deny("to", both),
            Some("ignores these tests and denies more requests"),
        ),
        (
            with(with(web(), "id", json!("x")), "to", path.clone()),
            Some("ignores them and denies requests that they allow"),
        ),
        (timed(deny("to", port.clone())), Some("require the filter")),
        (
            timed(with(web(), "id", json!("x"))),
            Some("have a start or an end time"),
        ),
        (
            with(deny("to", port), "enforcement", json!("Shadow")),
            Some("require the filter"),
        ),
    ] {
        let found = ambient_findings(&json!([web(), rule]), &[NAMESPACE, DEPLOYMENT]);
        match (consequence, found.as_slice()) {
            (None, []) => {}
            (Some(consequence), [[code, message]]) => {
                assert_eq!(code, "unenforced-rule", "{rule}");
                assert!(
                    message.starts_with("rules `x` of policy `shop/broker` "),
                    "{message}"
                );
                assert!(message.contains(consequence), "{rule}: {message}");
            }
            _ => panic!("{rule}: {found:#?}"),
        }
    }
}

/// Labels that put a workload in ambient mode, and labels that do not.
#[test]
fn detects_ambient_mode_as_istio_does() {
    let rules = json!([web(), {"id": "x", "effect": "Deny", "to": [{"paths": ["/admin"]}]}]);
    let plain = NAMESPACE.replace(", labels: {istio.io/dataplane-mode: ambient}", "");
    let labelled = |label: &str| {
        DEPLOYMENT.replace(
            "labels: {app: broker}}",
            &format!("labels: {{app: broker, {label}}}}}"),
        )
    };
    let pod = "\
apiVersion: v1
kind: Pod
metadata:
  name: broker-1
  namespace: shop
  labels: {app: broker}
  annotations: {ambient.istio.io/redirection: enabled}
spec: {containers: [{name: b, image: x}]}
status: {phase: Running}
";
    let with_sidecar = DEPLOYMENT.replace(
        "[{name: b, image: x}]",
        "[{name: b, image: x}, {name: istio-proxy, image: y}]",
    );
    let (ambient, absent) = ("unenforced-rule", "unenforced-workload");
    for (namespace, workload, expected) in [
        (NAMESPACE, DEPLOYMENT.to_owned(), Some(ambient)),
        (
            &plain,
            labelled("istio.io/dataplane-mode: ambient"),
            Some(ambient),
        ),
        (
            NAMESPACE,
            labelled("istio.io/dataplane-mode: none"),
            Some(absent),
        ),
        (
            NAMESPACE,
            labelled("sidecar.istio.io/inject: \"false\""),
            Some(ambient),
        ),
        (&plain, pod.to_owned(), Some(ambient)),
        (&plain, DEPLOYMENT.to_owned(), Some(absent)),
        (NAMESPACE, with_sidecar, None),
    ] {
        let found = ambient_findings(&rules, &[namespace, &workload]);
        let codes: Vec<_> = found.iter().map(|[code, _]| code.as_str()).collect();
        assert_eq!(
            codes,
            expected.into_iter().collect::<Vec<_>>(),
            "{namespace}{workload}"
        );
    }
}

/// Findings of a policy attached to a service.
fn service_policy_findings(version: &str, objects: &[&str]) -> Vec<[String; 2]> {
    let spec = json!({
        "targetRefs": [{"kind": "Service", "name": "broker"}],
        "rules": [web(), {"id": "x", "effect": "Deny", "to": [{"paths": ["/admin"]}]}],
    });
    codes(&mesh(&spec, version, &[&[NAMESPACE], objects].concat()))
        .into_iter()
        // Nothing selects the workload.
        .filter(|[code, _]| code != "workload-without-policy")
        .collect()
}

#[test]
fn a_policy_for_a_service_needs_a_waypoint_that_applies_it() {
    let unlabelled = SERVICE.replace("istio.io/use-waypoint: waypoint", "");
    let opted_out = SERVICE.replace("use-waypoint: waypoint", "use-waypoint: none");
    let agentgateway = WAYPOINT.replace("istio-waypoint", "istio-agentgateway-waypoint");
    let for_workloads = WAYPOINT.replace(
        "namespace: shop",
        "namespace: shop, labels: {istio.io/waypoint-for: workload}",
    );
    for (objects, expected) in [
        (vec![SERVICE, WAYPOINT], None),
        (
            vec![SERVICE],
            Some("uses waypoint `shop/waypoint`, which does not exist"),
        ),
        (vec![&unlabelled, WAYPOINT], Some("uses no waypoint")),
        (vec![&opted_out, WAYPOINT], Some("uses no waypoint")),
        (
            vec![SERVICE, &agentgateway],
            Some("of class `istio-agentgateway-waypoint`, which enforces no policies"),
        ),
        (vec![SERVICE, &for_workloads], Some("excludes services")),
    ] {
        let objects = [vec![DEPLOYMENT], objects].concat();
        let found = service_policy_findings("1.31", &objects);
        match (expected, found.as_slice()) {
            (None, []) => {}
            (Some(expected), [[code, message]]) => {
                assert_eq!(code, "unenforced-target", "{message}");
                assert!(message.contains(expected), "{message}");
            }
            _ => panic!("{objects:?}: {found:#?}"),
        }
    }
}

#[test]
fn reports_a_cross_namespace_waypoint_plugin_before_istio_supports_it() {
    let service = SERVICE.replace(
        "waypoint: waypoint",
        "waypoint: waypoint, istio.io/use-waypoint-namespace: infra",
    );
    let waypoint = WAYPOINT.replace("namespace: shop", "namespace: infra");
    let codes = |version| {
        let found = service_policy_findings(version, &[DEPLOYMENT, &service, &waypoint]);
        found.into_iter().map(|[code, _]| code).collect::<Vec<_>>()
    };
    assert_eq!(codes("1.30"), ["stalled-waypoint"]);
    assert_eq!(codes("1.31"), [""; 0]);
}

#[test]
fn reports_a_policy_for_a_gateway_that_applies_no_policies() {
    let spec = json!({
        "targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "waypoint"}],
        "rules": [web()],
    });
    let found = |class: &str| {
        let gateway = WAYPOINT.replace("istio-waypoint", class);
        let found = codes(&mesh(&spec, "1.31", &[NAMESPACE, DEPLOYMENT, &gateway]));
        let codes = found.into_iter().map(|[code, _]| code);
        codes
            .filter(|code| code != "workload-without-policy")
            .collect::<Vec<_>>()
    };
    assert_eq!(found("istio"), [""; 0]);
    assert_eq!(found("istio-agentgateway"), ["unenforced-target"]);
}
