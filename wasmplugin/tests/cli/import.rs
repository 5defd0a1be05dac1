//! `peergate import`.

use super::*;

const ISTIO_POLICIES: &str = r#"apiVersion: security.istio.io/v1beta1
kind: AuthorizationPolicy
metadata:
  name: viewer
  namespace: shop
spec:
  selector:
    matchLabels:
      app: cart
  rules:
  - from:
    - source:
        principals: ["cluster.local/ns/shop/sa/web", "a*b"]
    to:
    - operation:
        methods: ["GET"]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: no-admin
  namespace: shop
spec:
  selector:
    matchLabels:
      app: cart
  action: DENY
  rules:
  - to:
    - operation:
        paths: ["/admin*"]
"#;

const ISTIO_MESH: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: istio
  namespace: istio-system
data:
  mesh: |-
    trustDomain: td.example
    trustDomainAliases: [old.example]
    pathNormalization:
      normalization: MERGE_SLASHES
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
  namespace: istio-system
spec:
  mtls:
    mode: STRICT
";

fn import(stdin: &str) -> Run {
    run_with(&["import", "istio", "-"], stdin)
}

#[test]
fn policies_of_one_workload_become_one_with_comments() {
    let run = import(&format!("{ISTIO_POLICIES}---\n{ISTIO_MESH}"));
    assert_eq!(run.status, 0, "{}", run.stderr);
    insta::assert_snapshot!(run.stdout);
    insta::assert_snapshot!(run.stderr);
}

#[test]
fn what_is_imported_is_accepted_and_rendered() {
    let imported = import(&format!("{ISTIO_POLICIES}---\n{ISTIO_MESH}"));
    let args = ["render", "-f", "-", "--only", "authorization-policy"];
    let run = run_with(&args, &imported.stdout);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let is_found = |line: &&str| line.starts_with("error") || line.starts_with("warning");
    let found: Vec<_> = run.stderr.lines().filter(is_found).collect();
    // Istio's policies do not say which ports speak HTTP.
    let is_expected = |line: &&str| line.starts_with("warning[denies-tcp]");
    assert!(found.iter().all(is_expected), "{}", run.stderr);
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn in_a_permissive_mesh_callers_without_identity_are_allowed_as_before() {
    let policy = ISTIO_POLICIES.split("---").next().unwrap();
    let run = import(
        &policy
            .replace("principals:", "notPrincipals:")
            .replace(", \"a*b\"", ""),
    );
    assert_eq!(run.status, 0, "{}", run.stderr);
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn a_template_that_denies_more_than_in_istio_is_told() {
    for (action, list, is_told) in [
        ("DENY", "paths", true),
        ("DENY", "notPaths", false),
        ("ALLOW", "notPaths", true),
        ("ALLOW", "paths", false),
    ] {
        let text = ISTIO_POLICIES
            .replace("action: DENY", &format!("action: {action}"))
            .replace("paths: [\"/admin*\"]", &format!("{list}: [\"/a/{{**}}\"]"));
        let run = import(&text);
        assert_eq!(run.status, 0, "{}", run.stderr);
        let told = format!("`/a/{{**}}` in `{list}` matches more than in Istio");
        assert_eq!(run.stderr.contains(&told), is_told, "{}", run.stderr);
    }
}

#[test]
fn what_denies_and_cannot_be_said_is_refused() {
    let cases = [
        ("paths: [\"/admin*\"]", "paths: [\"/a*b\"]", "`/a*b`"),
        ("paths: [\"/admin*\"]", "methods: [\"get\"]", "`get`"),
        ("paths: [\"/admin*\"]", "ports: [\"http\"]", "`http`"),
        ("paths:", "path:", "`path` is not a field"),
        ("action: DENY", "action: Deny", "`Deny`"),
        (
            "name: no-admin\n  namespace: shop",
            "name: no-admin\n  namespace: &shop shop",
            "anchor",
        ),
    ];
    for (before, after, expected) in cases {
        let text = ISTIO_POLICIES.replace(before, after);
        assert_ne!(text, ISTIO_POLICIES, "{before}");
        let run = import(&text);
        assert_eq!((run.status, run.stdout.as_str()), (3, ""), "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
        assert!(run.stderr.contains("<stdin>:"), "{}", run.stderr);
    }
}

#[test]
fn dry_run_becomes_shadow_and_denies_nothing_by_itself() {
    let policy = ISTIO_POLICIES.split("---").next().unwrap();
    let dry = policy.replace(
        "  namespace: shop",
        "  namespace: shop\n  annotations: {istio.io/dry-run: \"true\"}",
    );
    let run = import(&dry);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stdout.contains("otherwise: Pass"), "{}", run.stdout);
    assert!(run.stdout.contains("enforcement: Shadow"), "{}", run.stdout);
}

const STRICT_WITH_EXCEPTION: &str = "apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: printer, namespace: legacy}
spec:
  selector: {matchLabels: {app: printer}}
  portLevelMtls:
    \"9100\": {mode: PERMISSIVE}
";

/// What is rendered of an import, of the kind that says who may speak plaintext.
fn peer_authentications(imported: &Run) -> Run {
    let args = [
        "render",
        "-f",
        "-",
        "--only",
        "peer-authentication",
        "--at",
        NOW,
    ];
    run_with(&args, &imported.stdout)
}

#[test]
fn without_a_peer_authentication_none_is_rendered() {
    let imported = import(ISTIO_POLICIES);
    assert_eq!(imported.status, 0, "{}", imported.stderr);
    let rendered = peer_authentications(&imported);
    assert_eq!((rendered.status, rendered.stdout.as_str()), (0, ""));
}

#[test]
fn an_exception_waits_for_its_owner_and_end() {
    let imported = import(STRICT_WITH_EXCEPTION);
    assert_eq!(imported.status, 0, "{}", imported.stderr);
    assert!(
        imported.stderr.contains("fill in `owner` and `notAfter`"),
        "{}",
        imported.stderr
    );
    let rendered = peer_authentications(&imported);
    assert_eq!((rendered.status, rendered.stdout.as_str()), (3, ""));
    assert!(
        rendered.stderr.contains("invalid-time"),
        "{}",
        rendered.stderr
    );
}

#[test]
fn an_exception_with_owner_and_end_is_rendered_as_it_was() {
    let plan = ["--owner", "platform", "--exceptions-until", "2030-06-30"];
    let args = [&["import", "istio", "-"][..], &plan].concat();
    let imported = run_with(&args, STRICT_WITH_EXCEPTION);
    assert_eq!(imported.status, 0, "{}", imported.stderr);
    let rendered = peer_authentications(&imported);
    assert_eq!(rendered.status, 0, "{}", rendered.stderr);
    insta::assert_snapshot!(rendered.stdout);
    // One without the other is no plan.
    for alone in [
        ["--owner", "platform"],
        ["--exceptions-until", "2030-06-30"],
    ] {
        let args = [&["import", "istio", "-"][..], &alone].concat();
        assert_eq!(run_with(&args, STRICT_WITH_EXCEPTION).status, 3);
    }
}
