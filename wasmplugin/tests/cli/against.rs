//! `peergate render --against`.

use super::*;

/// Existing objects of the shop, stricter than the rendered ones except for `kept`.
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
fn reports_widened_access_and_still_renders() {
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
    let reported: Vec<_> = run
        .stderr
        .lines()
        .map(|line| line.replace(text(&existing), ""))
        .collect();
    assert_eq!(
        reported,
        [
            "note: AuthorizationPolicy shop/cart-allow (/all.yaml:6) would be replaced and may be wider: no existing rule allows everything that rendered rule 0 allows",
            "note: PeerAuthentication istio-system/default (/all.yaml:1) would be replaced and may be wider: the mode changes from STRICT to PERMISSIVE",
        ]
    );
}

#[test]
fn writes_nothing_if_widening_fails_the_run() {
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

#[test]
fn reports_no_widening_against_its_own_output() {
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
fn refuses_an_unreadable_manifest() {
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

/// In lists from the API server, items have no kind of their own.
#[test]
fn compares_items_of_typed_lists() {
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
fn refuses_or_notes_documents_that_are_not_objects() {
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

/// Any of them may be the one in the cluster.
#[test]
fn compares_an_object_in_every_input_that_has_it() {
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

/// Only the filter enforces times, so no `AuthorizationPolicy` has this rule.
#[test]
fn compares_rules_that_only_the_filter_enforces() {
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
        let reported = "would be replaced and may be wider: policy `shop/cart` no longer denies everything that its existing rule `freeze` denies";
        assert!(run.stderr.contains(reported), "{}", run.stderr);
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
