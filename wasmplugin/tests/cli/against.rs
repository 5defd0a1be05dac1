//! `peergate render --against`.

use super::*;

/// What the shop has already: stricter than what is rendered, except for `kept`.
const EXISTING: &str = "apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: cart-allow, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: other, namespace: shop}
spec: {action: DENY, rules: [{}]}
";

const DOCUMENTS: &str = "apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: m}
spec: {trustDomain: cluster.local, istioVersion: \"1.31\", mtls: {mode: Permissive}, defaults: {otherwise: Pass}}
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  rules:
    - {id: web, effect: Allow, from: [{serviceAccounts: [web]}]}
";

const ONLY: &str = "peer-authentication,authorization-policy";

#[test]
fn what_would_be_widened_is_reported_and_rendered_all_the_same() {
    let folder = folder(&[
        ("existing/all.yaml", EXISTING),
        ("documents.yaml", DOCUMENTS),
    ]);
    let (existing, documents) = (
        folder.path().join("existing"),
        folder.path().join("documents.yaml"),
    );
    let args = [
        "render",
        "-f",
        text(&documents),
        "--only",
        ONLY,
        "--against",
        text(&existing),
    ];
    let run = run(&args);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stdout.contains("mode: PERMISSIVE"), "{}", run.stdout);
    let told: Vec<_> = run
        .stderr
        .lines()
        .map(|line| line.replace(text(&existing), ""))
        .collect();
    assert_eq!(
        told,
        [
            "note: AuthorizationPolicy shop/cart-allow (/all.yaml:6) would be replaced and may be wider: no existing rule allows all that rendered rule 0 does",
            "note: PeerAuthentication istio-system/default (/all.yaml:1) would be replaced and may be wider: the mode changes from STRICT to PERMISSIVE",
        ]
    );
}

#[test]
fn nothing_is_written_where_widening_fails_the_run() {
    let folder = folder(&[("existing.yaml", EXISTING), ("documents.yaml", DOCUMENTS)]);
    let path = |name: &str| folder.path().join(name);
    let (existing, documents) = (path("existing.yaml"), path("documents.yaml"));
    let out = path("out.yaml");
    let args = [
        "render",
        "-f",
        text(&documents),
        "--only",
        ONLY,
        "--against",
        text(&existing),
        "--fail-on",
        "widened",
        "-o",
        text(&out),
    ];
    let run = run(&args);
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(
        run.stderr
            .contains("error: PeerAuthentication istio-system/default"),
        "{}",
        run.stderr
    );
    assert_eq!(run.stdout, "");
    assert!(!out.exists());
}

/// What is rendered is never wider than itself.
#[test]
fn what_is_applied_already_is_not_widened() {
    let folder = folder(&[("documents.yaml", DOCUMENTS)]);
    let documents = folder.path().join("documents.yaml");
    let args = ["render", "-f", text(&documents), "--only", ONLY];
    let rendered = run(&args);
    let again = run_with(
        &[&args[..], &["--against", "-", "--fail-on", "widened"]].concat(),
        &rendered.stdout,
    );
    assert_eq!((again.status, again.stderr.as_str()), (0, ""));
    assert_eq!(again.stdout, rendered.stdout);
}

#[test]
fn a_mesh_without_a_mode_replaces_no_peer_authentication() {
    let documents = DOCUMENTS.replace("mtls: {mode: Permissive}, ", "");
    let folder = folder(&[("existing.yaml", EXISTING)]);
    let existing = folder.path().join("existing.yaml");
    let args = [
        "render",
        "-f",
        "-",
        "--only",
        "peer-authentication",
        "--against",
        text(&existing),
    ];
    let run = run_with(&args, &documents);
    assert_eq!(
        (run.status, run.stdout.as_str(), run.stderr.as_str()),
        (0, "", "")
    );
}

#[test]
fn a_manifest_that_cannot_be_read_is_not_passed_over() {
    let folder = folder(&[
        ("existing.yaml", "kind: [\n"),
        ("documents.yaml", DOCUMENTS),
    ]);
    let path = |name: &str| folder.path().join(name);
    let (existing, documents) = (path("existing.yaml"), path("documents.yaml"));
    let args = [
        "render",
        "-f",
        text(&documents),
        "--only",
        ONLY,
        "--against",
        text(&existing),
    ];
    let run = run(&args);
    assert_eq!((run.status, run.stdout.as_str()), (3, ""), "{}", run.stderr);
}
