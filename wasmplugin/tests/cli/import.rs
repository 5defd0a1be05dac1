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
fn what_cannot_be_said_is_left_out_with_its_place() {
    let cases = [
        ("paths: [\"/admin*\"]", "paths: [\"/a*b\"]", "`/a*b`"),
        ("paths: [\"/admin*\"]", "methods: [\"get\"]", "`get`"),
        ("paths: [\"/admin*\"]", "ports: [\"http\"]", "`http`"),
        ("paths:", "path:", "`path` is not a field"),
        ("action: DENY", "action: Deny", "`Deny`"),
    ];
    for (before, after, expected) in cases {
        let text = ISTIO_POLICIES.replace(before, after);
        assert_ne!(text, ISTIO_POLICIES, "{before}");
        let run = import(&format!(
            "{text}---\n{}",
            ISTIO_POLICIES
                .replace("app: cart", "app: web")
                .replace("name: ", "name: web-")
        ));
        assert_eq!(run.status, 2, "{}", run.stderr);
        let warnings = run
            .stderr
            .lines()
            .filter(|line| line.starts_with("warning: "));
        let warnings: Vec<_> = warnings.collect();
        assert!(
            warnings[0].contains(expected) || warnings[1].contains(expected),
            "{}",
            run.stderr
        );
        assert!(
            warnings
                .iter()
                .all(|line| line.starts_with("warning: <stdin>:")),
            "{}",
            run.stderr
        );
        assert!(!run.stdout.contains("app: cart"), "{}", run.stdout);
        assert!(run.stdout.contains("app: web"), "{}", run.stdout);
        let validated = run_with(&["validate", "-f", "-"], &run.stdout);
        assert_eq!(validated.status, 0, "{}", validated.stderr);
    }
}

#[test]
fn comments_are_written_above_rules_and_into_no_text() {
    let text = ISTIO_POLICIES.replace(
        "name: viewer\n  namespace: shop\n",
        "name: viewer\n  namespace: shop\n  annotations:\n    notes: |\n      - id: first\n        - id: second\n",
    );
    let run = import(&text);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&run.stdout).unwrap();
    let policy = &documents[1];
    assert_eq!(
        policy["metadata"]["annotations"]["notes"],
        "- id: first\n  - id: second\n"
    );
    for (comment, id) in [
        ("shop/no-admin, rule 0", "no-admin"),
        ("shop/viewer, rule 0", "viewer"),
    ] {
        let above = format!("  # {comment}\n  - id: {id}\n");
        assert!(run.stdout.contains(&above), "{}", run.stdout);
    }
}

/// As in the bases of kustomize.
#[test]
fn objects_without_a_namespace_are_of_the_one_that_is_given() {
    let text = ISTIO_POLICIES.replace("  namespace: shop\n", "");
    for (args, namespace, is_noted) in [
        (&["import", "istio", "-"][..], "default", true),
        (
            &["import", "istio", "--namespace", "bank", "-"],
            "bank",
            false,
        ),
    ] {
        let run = run_with(args, &text);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(
            run.stdout.contains(&format!("  namespace: {namespace}\n")),
            "{}",
            run.stdout
        );
        let note =
            "2 objects have no namespace, so `default` is assumed; set it with `--namespace`";
        assert_eq!(run.stderr.contains(note), is_noted, "{}", run.stderr);
    }
}

/// Two policies of a mesh among what a folder has beside them.
fn mixed_folder() -> tempfile::TempDir {
    let apps = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Service\n\
                metadata: {name: a}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b}\n";
    let folder = folder(&[
        ("policies.yaml", ISTIO_POLICIES),
        ("mesh.yaml", ISTIO_MESH),
        (
            "template.yaml",
            "apiVersion: v1\nkind: {{ .Values.kind }}\n",
        ),
        ("broken.json", "{\"a\": "),
        ("apps.yaml", apps),
    ]);
    std::fs::write(folder.path().join("latin.yaml"), b"a: \xe9\n").unwrap();
    folder
}

#[test]
fn files_that_cannot_be_read_do_not_stop_the_rest() {
    let folder = mixed_folder();
    let path = folder.path().to_str().unwrap();
    let run = self::run(&["import", "istio", path]);
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(run.stdout.contains("app: cart"), "{}", run.stdout);
    for (file, line) in [
        ("template.yaml", ":2"),
        ("broken.json", ":1"),
        ("latin.yaml", ""),
    ] {
        let named = format!("{file}{line}: cannot be read: ");
        let lines: Vec<_> = run
            .stderr
            .lines()
            .filter(|line| line.contains(&named))
            .collect();
        assert_eq!(lines.len(), 1, "{}", run.stderr);
    }
    assert!(run.stderr.contains("helm template"), "{}", run.stderr);
    let summary = "3 unrelated objects are not imported (2 Deployment, 1 Service); `-v` lists them";
    assert!(run.stderr.contains(summary), "{}", run.stderr);

    let verbose = self::run(&["import", "istio", "-v", path]);
    let listed = verbose
        .stderr
        .lines()
        .filter(|line| line.contains("apps.yaml:"));
    assert_eq!(listed.count(), 3, "{}", verbose.stderr);

    let strict = self::run(&["import", "istio", "--strict", path]);
    assert_eq!(
        (strict.status, strict.stdout.as_str()),
        (3, ""),
        "{}",
        strict.stderr
    );
    assert!(
        strict
            .stderr
            .contains("nothing was written: 3 parts of the input"),
        "{}",
        strict.stderr
    );
}

#[test]
fn the_originals_are_deleted_by_the_commands_it_names() {
    let run = import(&format!("{ISTIO_POLICIES}---\n{ISTIO_MESH}"));
    let lines = run.stderr.lines().map(str::trim_start);
    let commands: Vec<_> = lines.filter(|line| line.starts_with("kubectl ")).collect();
    assert_eq!(
        commands,
        [
            "kubectl delete authorizationpolicies.security.istio.io -n shop viewer",
            "kubectl delete authorizationpolicies.security.istio.io -n shop no-admin",
        ],
        "{}",
        run.stderr
    );
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
