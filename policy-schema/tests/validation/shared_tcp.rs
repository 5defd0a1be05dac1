//! Workloads with ports without HTTP.

use super::*;

/// The rendered rule of a policy whose workload does not speak HTTP on port 9000.
fn rendered_beside_tcp(rule: &str) -> serde_json::Value {
    let policy = policy(rule).replace("spec: {", "spec: {tcpPorts: [9000], ");
    let set = check(&[MESH, &policy]).policies.unwrap();
    let objects = authorization_policies(&set.rollout(&set.policies()[0]));
    serde_json::to_value(&objects.last().unwrap().spec.rules).unwrap()
}

#[test]
fn http_rules_do_not_affect_other_ports() {
    let cases = [
        (
            "effect: Deny, to: [{methods: [GET]}]",
            r#"[{"to":[{"operation":{"notPorts":["9000"],"methods":["GET"]}}]}]"#,
        ),
        // An absent attribute is not excluded, and the denial applies to every port.
        (
            "effect: Deny, to: [{notMethods: [GET]}]",
            r#"[{"to":[{"operation":{"notMethods":["GET"]}}]}]"#,
        ),
        (
            "effect: Deny, to: [{methods: [GET], ports: [8080]}]",
            r#"[{"to":[{"operation":{"ports":["8080"],"methods":["GET"]}}]}]"#,
        ),
        (
            "effect: Deny, when: [{key: \"request.headers[x]\", values: [a]}]",
            r#"[{"to":[{"operation":{"notPorts":["9000"]}}],"when":[{"key":"request.headers[x]","values":["a"]}]}]"#,
        ),
        (
            "effect: Deny, to: [{ports: [9000]}]",
            r#"[{"to":[{"operation":{"ports":["9000"]}}]}]"#,
        ),
        // Istio drops such a rule from ports without HTTP, where nothing would end it.
        (
            "effect: Allow, notAfter: \"2100-01-01T00:00:00Z\"",
            r#"[{"from":[{"source":{"principals":["cluster.local/*","old.example/*"]}}],"to":[{"operation":{"methods":["*"]}}]}]"#,
        ),
    ];
    for (rule, expected) in cases {
        let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
        assert_eq!(rendered_beside_tcp(rule), expected, "{rule}");
    }
}

#[test]
fn refuses_rules_that_nothing_enforces_without_http() {
    let cases = [
        (
            "effect: Deny, notAfter: \"2100-01-01T00:00:00Z\"",
            "unenforceable-rule",
        ),
        (
            "effect: Allow, notAfter: \"2100-01-01T00:00:00Z\", to: [{ports: [9000]}]",
            "unenforceable-rule",
        ),
        (
            "effect: Deny, from: [{requestPrincipals: [\"*\"]}, {namespaces: [a]}]",
            "unenforceable-rule",
        ),
        (
            "effect: Allow, to: [{methods: [GET], ports: [9000]}]",
            "never-matches",
        ),
    ];
    for (rule, code) in cases {
        let policy = policy(rule).replace("spec: {", "spec: {tcpPorts: [9000], ");
        assert_eq!(codes(&[MESH, &policy]), [code], "{rule}");
    }
}
