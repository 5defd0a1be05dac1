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
        "--out",
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
        (
            0,
            "",
            "note: no objects rendered, so there is nothing to apply\n"
        )
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

/// The items of a list of one kind do not repeat it, as the API server returns them.
#[test]
fn items_of_typed_lists_are_compared() {
    let list = "apiVersion: security.istio.io/v1
kind: PeerAuthenticationList
items:
- metadata: {name: default, namespace: istio-system}
  spec: {mtls: {mode: STRICT}}
";
    let nested = list.replace('\n', "\n  ");
    let nested = format!("apiVersion: v1\nkind: List\nitems:\n-\n  {nested}\n");
    let folder = folder(&[("typed.yaml", list), ("nested.yaml", &nested)]);
    for name in ["typed.yaml", "nested.yaml"] {
        let existing = folder.path().join(name);
        let run = fails_on_widened(DOCUMENTS, &[text(&existing)]);
        assert_eq!(run.status, 2, "{name}: {}", run.stderr);
        assert!(
            run.stderr.contains("STRICT to PERMISSIVE"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn what_is_no_object_is_refused_or_noted() {
    let no_kind =
        "metadata: {name: default, namespace: istio-system}\nspec: {mtls: {mode: STRICT}}\n";
    let folder = folder(&[("no-kind.yaml", no_kind), ("values.yaml", "replicas: 1\n")]);
    let path = |name: &str| folder.path().join(name);
    let refused = fails_on_widened(DOCUMENTS, &[text(&path("no-kind.yaml"))]);
    assert_eq!(refused.status, 3, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("this object has no `kind`"),
        "{}",
        refused.stderr
    );
    let noted = fails_on_widened(DOCUMENTS, &[text(&path("values.yaml"))]);
    assert_eq!(noted.status, 0, "{}", noted.stderr);
    let expected = format!(
        "note: 1 document is skipped, not a Kubernetes object: `{}:1`\n",
        text(&path("values.yaml"))
    );
    assert_eq!(noted.stderr, expected);
}

/// It is unknown which of them is in the cluster.
#[test]
fn an_object_in_several_inputs_is_compared_in_each() {
    let mode = |mode: &str| {
        format!(
            "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n\
             metadata: {{name: default, namespace: istio-system}}\nspec: {{mtls: {{mode: {mode}}}}}\n"
        )
    };
    let (strict, open) = (mode("STRICT"), mode("PERMISSIVE"));
    let both = format!("{strict}---\n{open}");
    let folder = folder(&[
        ("a.yaml", &strict),
        ("b.yaml", &open),
        ("both.yaml", &both),
        ("folder/a.yaml", &strict),
        ("folder/b.yaml", &open),
    ]);
    let path = |name: &str| folder.path().join(name);
    let (a, b) = (path("a.yaml"), path("b.yaml"));
    let (both, below) = (path("both.yaml"), path("folder"));
    for existing in [
        &[text(&a), text(&b)][..],
        &[text(&b), text(&a)],
        &[text(&both)],
        &[text(&below)],
    ] {
        let run = fails_on_widened(DOCUMENTS, existing);
        assert_eq!(run.status, 2, "{existing:?}: {}", run.stderr);
        assert_eq!(
            run.stderr.matches("STRICT to PERMISSIVE").count(),
            1,
            "{}",
            run.stderr
        );
    }
}

/// Times are enforced by the filter alone, so no `AuthorizationPolicy` has this rule.
#[test]
fn a_rule_that_only_the_filter_enforces_is_compared() {
    let image = "trustDomain: cluster.local, filter: {image: \"oci://r.example/f@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef\"}";
    let new = DOCUMENTS.replace("trustDomain: cluster.local", image);
    let freeze = "    - {id: freeze, effect: Deny, notAfter: \"2100-01-01T00:00:00Z\", from: [{serviceAccounts: [web]}]}\n";
    let old = format!("{new}{freeze}");
    for kind in ["wasm-plugin", "traffic-extension"] {
        let render = ["render", "-f", "-", "--at", NOW, "--extension-api", kind];
        let existing = run_with(&render, &old);
        assert_eq!(existing.status, 0, "{}", existing.stderr);
        let folder = folder(&[("existing.yaml", &existing.stdout)]);
        let existing = folder.path().join("existing.yaml");
        let against = ["--against", text(&existing), "--fail-on", "widened"];
        let compared = [&render[..], &against].concat();
        let run = run_with(&compared, &new);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{}", run.stderr);
        let told = "would be replaced and may be wider: policy `shop/cart` no longer denies all that its rule `freeze` does";
        assert!(run.stderr.contains(told), "{}", run.stderr);
        assert_eq!(run_with(&compared, &old).status, 0);
    }
}

fn fails_on_widened(documents: &str, existing: &[&str]) -> Run {
    let mut args = vec!["render", "-f", "-", "--only", ONLY, "--fail-on", "widened"];
    for existing in existing {
        args.extend(["--against", existing]);
    }
    run_with(&args, documents)
}
