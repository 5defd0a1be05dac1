//! Diagnostics that depend on several documents or rules.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "../support/checked.rs"]
mod checked;
mod exclusions;
mod gateways;
mod istio;
mod shared_tcp;
mod spellings;

use policy_schema::istio::authorization_policies;

use checked::{check, codes};

const MESH: &str = "\
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: test}
spec: {trustDomain: cluster.local, trustDomainAliases: [old.example], istioVersion: \"1.29\", filter: {image: \"file:///peergate_filter.wasm\"}}
";

/// A policy with one rule.
fn policy(rule: &str) -> String {
    format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\n\
         metadata: {{name: orders, namespace: shop}}\n\
         spec: {{selector: {{matchLabels: {{app: orders}}}}, service: {{ports: [{{port: 80, targetPort: 8080}}]}}, rules: [{{id: r, {rule}}}]}}\n"
    )
}

#[test]
fn does_not_report_an_unreadable_mesh_as_missing() {
    let policy = policy("effect: Allow");
    assert_eq!(codes(&[&policy]), ["missing-mesh"]);
    let unread = [
        ("kind: Mesh\n a: [", "yaml-syntax"),
        ("apiVersion: a\napiVersion: b\n", "duplicate-key"),
        (&MESH.replace("Mesh", "mesh"), "unknown-kind"),
    ];
    for (mesh, code) in unread {
        assert_eq!(codes(&[mesh, &policy]), [code], "{mesh}");
    }
}

#[test]
fn a_fault_of_the_mesh_does_not_hide_those_of_the_policies() {
    let mesh = MESH.replace("file:///peergate_filter.wasm", "ftp://x");
    let policy = policy("effect: Allow, from: [{principals: [evil/ns/a/sa/b]}]");
    assert_eq!(
        codes(&[&mesh, &policy]),
        ["invalid-image", "foreign-trust-domain"]
    );
}

#[test]
fn renders_namespaces_so_that_istio_matches_no_others() {
    let cases = [
        (
            "namespaces: [a]",
            r#"{"principals":["cluster.local/ns/a/*","old.example/ns/a/*"]}"#,
        ),
        (
            "namespaces: [\"a*\"]",
            r#"{"principals":["cluster.local/ns/a*","old.example/ns/a*"]}"#,
        ),
        (
            "namespaces: [\"*-a\"]",
            r#"{"principals":["cluster.local/*","old.example/*"],"namespaces":["*-a"]}"#,
        ),
        (
            "notNamespaces: [a]",
            r#"{"principals":["cluster.local/*","old.example/*"],"notPrincipals":["cluster.local/ns/a/*","old.example/ns/a/*"]}"#,
        ),
        ("anonymous: true", r#"{"notPrincipals":["*"]}"#),
    ];
    let mesh = MESH.replace("spec: {", "spec: {mtls: {mode: Permissive}, ");
    for (source, expected) in cases {
        let policy = policy(&format!("effect: Allow, from: [{{{source}}}]"));
        let set = check(&[&mesh, &policy]).policies.unwrap();
        let rendered = authorization_policies(&set.rollout(&set.policies()[0]));
        let rendered = serde_json::to_value(&rendered[0]).unwrap();
        let source = &rendered["spec"]["rules"][0]["from"][0]["source"];
        assert_eq!(
            source,
            &serde_json::from_str::<serde_json::Value>(expected).unwrap()
        );
    }
}
