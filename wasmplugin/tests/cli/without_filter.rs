//! A mesh that names no image of the filter: RBAC alone enforces its policies.

use super::*;

const IMAGE: &str = "  filter: {image: \"oci://r.example/f@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef\"}\n";

fn mesh(more: &str) -> String {
    format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {{name: m}}\nspec:\n  trustDomain: cluster.local\n  \
         istioVersion: \"1.29\"\n  mtls: {{mode: Strict}}\n  defaults: {{otherwise: Pass}}\n{more}"
    )
}

/// A policy with one rule.
fn policy(enforcement: &str, rule: &str) -> String {
    format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\nmetadata: {{name: cart, namespace: shop}}\nspec:\n  \
         selector: {{matchLabels: {{app: cart}}}}\n  service: {{ports: [{{port: 80}}]}}\n  enforcement: {enforcement}\n  \
         rules: [{{id: r, {rule}}}]\n"
    )
}

fn documents(mesh: &str, policy: &str) -> tempfile::TempDir {
    folder(&[("mesh.yaml", mesh), ("cart.yaml", policy)])
}

const PLAIN: &str = "effect: Allow, from: [{serviceAccounts: [web]}]";

#[test]
fn everything_but_the_plugin_is_rendered() {
    let rendered = |more: &str| {
        let documents = documents(&mesh(more), &policy("Enforce", PLAIN));
        let run = run(&["render", "-f", text(documents.path()), "--at", NOW]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        run
    };
    let (with, without) = (rendered(IMAGE), rendered(""));
    let objects = |run: &Run| -> Vec<String> {
        without_header(&run.stdout)
            .split("---\n")
            .map(str::to_owned)
            .collect()
    };
    let mut expected = objects(&with);
    expected.retain(|object| !object.contains("kind: WasmPlugin"));
    assert_eq!(expected.len() + 1, objects(&with).len());
    assert_eq!(objects(&without), expected);
    assert!(
        without.stderr.contains("no WasmPlugin rendered"),
        "{}",
        without.stderr
    );
    assert!(!with.stderr.contains("no WasmPlugin rendered"));
}

#[test]
fn what_is_asked_for_by_name_is_not_left_out() {
    let documents = documents(&mesh(""), &policy("Enforce", PLAIN));
    let input = text(documents.path());
    let refused = run(&["render", "-f", input, "--only", "wasm-plugin"]);
    assert_eq!((refused.status, refused.stdout.as_str()), (3, ""));
    assert!(
        refused.stderr.contains("set `spec.filter.image`"),
        "{}",
        refused.stderr
    );
}

/// Every command agrees.
#[test]
fn a_rule_that_needs_the_filter_is_refused_unless_it_is_in_shadow_or_has_ended() {
    let timed = "notAfter: \"2100-01-01T00:00:00Z\"";
    let ended = "notAfter: \"2026-01-01T00:00:00Z\"";
    let begun = "notBefore: \"2026-01-01T00:00:00Z\"";
    let to_come = "notBefore: \"2100-01-01T00:00:00Z\"";
    let cases = [
        ("Enforce", PLAIN.to_owned(), false),
        ("Enforce", format!("{PLAIN}, {timed}"), true),
        ("Enforce", format!("effect: Deny, {timed}"), true),
        (
            "Enforce",
            "effect: Audit, notBefore: \"2030-01-01T00:00:00Z\"".to_owned(),
            true,
        ),
        (
            "Enforce",
            format!("{PLAIN}, {timed}, enforcement: Shadow"),
            false,
        ),
        ("Shadow", format!("{PLAIN}, {timed}"), false),
        ("Enforce", format!("{PLAIN}, {ended}"), false),
        // RBAC allows at all times, and so does what has begun and does not end.
        ("Enforce", format!("{PLAIN}, {begun}"), false),
        ("Enforce", format!("{PLAIN}, {begun}, {timed}"), true),
        ("Enforce", format!("effect: Deny, {begun}"), true),
        ("Enforce", format!("{PLAIN}, {to_come}"), true),
    ];
    for (enforcement, rule, is_refused) in cases {
        for (more, is_refused) in [("", is_refused), (IMAGE, false)] {
            let documents = documents(&mesh(more), &policy(enforcement, &rule));
            let input = text(documents.path());
            let manifests = folder(&[("none.yaml", "")]);
            let commands: [&[&str]; 4] = [
                &["validate"],
                &["render"],
                &["verify", "--manifests", text(manifests.path())],
                &[
                    "decide", "--from", "shop/web", "--method", "GET", "--path", "/",
                ],
            ];
            for command in commands {
                let run = run(&[command, &["-f", input, "--at", NOW]].concat());
                let has_error = run.stderr.contains("error[missing-filter]");
                assert_eq!(has_error, is_refused, "{command:?} {rule}: {}", run.stderr);
                assert_eq!(
                    run.status == 3,
                    is_refused,
                    "{command:?} {rule}: {}",
                    run.stderr
                );
            }
        }
    }
}

#[test]
fn verify_wants_no_plugin_and_finds_one_that_is_left_over() {
    let rendered = |more: &str| {
        let documents = documents(&mesh(more), &policy("Enforce", PLAIN));
        run(&["render", "-f", text(documents.path()), "--at", NOW]).stdout
    };
    let documents = documents(&mesh(""), &policy("Enforce", PLAIN));
    let verified = |manifests: &str| {
        let manifests = folder(&[("all.yaml", manifests)]);
        let run = run(&[
            "verify",
            "-f",
            text(documents.path()),
            "--at",
            NOW,
            "--manifests",
            text(manifests.path()),
        ]);
        run.stdout + &run.stderr
    };
    let same = verified(&rendered(""));
    assert!(!same.contains("filter"), "{same}");
    assert!(!same.contains("[missing-object]"), "{same}");
    let left_over = verified(&rendered(IMAGE));
    assert!(left_over.contains("[leftover-object]"), "{left_over}");
}

#[test]
fn how_to_fetch_the_filter_is_rendered_and_checked() {
    let fetched = |filter: &str| {
        let documents = documents(
            &mesh(&format!("  filter: {{{filter}}}\n")),
            &policy("Enforce", PLAIN),
        );
        run(&["render", "-f", text(documents.path()), "--at", NOW])
    };
    let digest = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
    let rendered = fetched(
        "image: \"oci://r.example/f:1\", imagePullSecret: regcred, imagePullPolicy: Always, sha256: 5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    );
    assert_eq!(rendered.status, 0, "{}", rendered.stderr);
    assert!(!rendered.stderr.contains("warning"), "{}", rendered.stderr);
    for line in [
        "\n  imagePullSecret: regcred\n".to_owned(),
        "\n  imagePullPolicy: Always\n".to_owned(),
        format!("\n  sha256: {digest}\n"),
    ] {
        assert!(rendered.stdout.contains(&line), "{}", rendered.stdout);
    }
    let cases = [
        ("image: \"https://f.example/f.wasm\"", "unpinned-image", 0),
        (
            "image: \"https://f.example/f.wasm\", sha256: 5f70",
            "invalid-value",
            3,
        ),
        (
            "image: \"https://f.example/f.wasm\", imagePullSecret: a",
            "exclusive-fields",
            3,
        ),
        (
            "image: \"oci://r.example/f:1\", imagePullSecret: A_B",
            "invalid-name",
            3,
        ),
        (
            "image: \"oci://r.example/f:1\", imagePullPolicy: Never",
            "unknown-value",
            3,
        ),
        (
            "image: \"file:///f.wasm\", imagePullPolicy: Always",
            "exclusive-fields",
            3,
        ),
        ("imagePullSecret: a", "missing-field", 3),
        ("sha256: a", "missing-field", 3),
    ];
    for (filter, code, status) in cases {
        let run = fetched(filter);
        assert_eq!(run.status, status, "{filter}: {}", run.stderr);
        assert!(
            run.stderr.contains(&format!("[{code}]")),
            "{filter}: {}",
            run.stderr
        );
    }
    let pinned = format!("image: \"oci://r.example/f@sha256:{digest}\", sha256: {digest}");
    assert!(fetched(&pinned).stderr.contains("[exclusive-fields]"));
}
