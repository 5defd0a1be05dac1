//! Rendered objects that Istio would refuse.

use super::*;

/// Everything that Istio refuses in an `AuthorizationPolicy` (`pkg/config/validation`, and the
/// definition's CEL rules), written as a policy. Each is refused at its line, before anything
/// reaches a cluster.
#[test]
fn refuses_everything_that_istio_refuses() {
    let rules: [(&str, &str); 27] = [
        ("effect: Allow, from: []", "empty-list"),
        ("effect: Allow, to: []", "empty-list"),
        ("effect: Allow, from: [{}]", "empty-matcher"),
        ("effect: Allow, to: [{}]", "empty-matcher"),
        ("effect: Allow, from: [{principals: [\"\"]}]", "empty-value"),
        (
            "effect: Allow, from: [{ipBlocks: [\"10.0.0\"]}]",
            "invalid-ip-block",
        ),
        (
            "effect: Allow, from: [{remoteIpBlocks: [\"10.0.0.0/33\"]}]",
            "invalid-ip-block",
        ),
        ("effect: Allow, to: [{ports: [0]}]", "invalid-value"),
        ("effect: Allow, to: [{ports: [65536]}]", "wrong-type"),
        (
            "effect: Allow, to: [{paths: [\"/{*}x\"]}]",
            "invalid-path-template",
        ),
        (
            "effect: Allow, to: [{paths: [\"/{**}/{*}\"]}]",
            "invalid-path-template",
        ),
        (
            "effect: Allow, from: [{serviceAccounts: [\"*\"]}]",
            "invalid-service-account",
        ),
        (
            "effect: Allow, from: [{serviceAccounts: [a/b/c]}]",
            "invalid-service-account",
        ),
        (
            "effect: Allow, from: [{serviceAccounts: [a], principals: [\"*\"]}]",
            "exclusive-fields",
        ),
        (
            "effect: Allow, from: [{serviceAccounts: [a], namespaces: [b]}]",
            "exclusive-fields",
        ),
        (
            "effect: Allow, from: [{trustDomains: [\"a/b\"]}]",
            "invalid-trust-domain",
        ),
        (
            "effect: Allow, from: [{trustDomains: [\"a*b\"]}]",
            "invalid-wildcard",
        ),
        ("effect: Allow, when: []", "empty-list"),
        ("effect: Allow, when: [{key: source.ip}]", "empty-matcher"),
        ("effect: Allow, when: [{values: [a]}]", "missing-field"),
        (
            "effect: Allow, when: [{key: source.user, values: [a]}]",
            "unknown-condition",
        ),
        (
            "effect: Allow, when: [{key: destination.port, values: [http]}]",
            "invalid-value",
        ),
        ("effect: Custom", "missing-field"),
        ("effect: Deny, provider: opa", "exclusive-fields"),
        (
            "effect: Custom, provider: opa, from: [{namespaces: [a]}]",
            "exclusive-fields",
        ),
        (
            "effect: Custom, provider: opa, when: [{key: request.auth.audiences, values: [a]}]",
            "exclusive-fields",
        ),
        ("effect: DENY", "unknown-value"),
    ];
    for (rule, code) in rules {
        assert_eq!(codes(&[MESH, &policy(rule)]), [code], "{rule}");
    }
    let many: Vec<_> = (0..17)
        .map(|number| format!("{{kind: Service, name: s{number}}}"))
        .collect();
    let many = format!("targetRefs: [{}]", many.join(", "));
    let attachments = [
        ("selector: {matchLabels: {}}", "empty-matcher"),
        ("selector: {matchLabels: {app: \"*\"}}", "invalid-name"),
        ("selector: {matchLabels: {\"\": a}}", "invalid-name"),
        ("targetRefs: []", "invalid-target"),
        (&many, "invalid-target"),
        ("targetRefs: [{kind: Pod, name: a}]", "invalid-target"),
        ("targetRefs: [{kind: Gateway, name: a}]", "invalid-target"),
        ("targetRefs: [{kind: Service, name: \"\"}]", "invalid-name"),
        (
            "selector: {matchLabels: {app: a}}, targetRefs: [{kind: Service, name: a}]",
            "exclusive-fields",
        ),
    ];
    for (attachment, code) in attachments {
        let policy =
            policy("effect: Deny").replace("selector: {matchLabels: {app: orders}}", attachment);
        assert_eq!(codes(&[MESH, &policy]), [code], "{attachment}");
    }
}
