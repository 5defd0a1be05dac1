//! Expiry: rules and exceptions that expire are announced, warned about and left out, but fail no command.

use serde_json::{Value, json};

use super::*;

const BEFORE: &str = "2026-06-09T12:00:00Z";
const AFTER: &str = "2026-06-10T00:00:00Z";

const DOCUMENTS: &str = "\
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec:
  trustDomain: cluster.local
  istioVersion: \"1.29\"
  pathNormalization: DecodeAndMergeSlashes
  mtls:
    mode: Strict
    exceptions:
      - name: scanners
        namespace: warehouse
        owner: team-warehouse
        notAfter: \"2026-06-10T00:00:00Z\"
  outbound: Declared
  networkPolicies: true
  filter:
    image: oci://registry.example.com/filter@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: stock, namespace: warehouse}
spec:
  selector: {matchLabels: {app: stock}}
  serviceAccount: stock
  service: {ports: [{port: 80, targetPort: 8080}]}
  rules:
    - id: audit
      effect: Allow
      owner: team-audit
      notAfter: \"2026-06-10T00:00:00Z\"
      from: [{serviceAccounts: [audits/audit]}]
    - id: freeze
      effect: Deny
      notAfter: \"2026-06-10T00:00:00Z\"
      to: [{paths: [/freeze]}]
    - id: web
      effect: Allow
      owner: team-audit
      notAfter: \"2026-07-01T00:00:00Z\"
      from: [{serviceAccounts: [front/web]}]
";

fn documents() -> tempfile::TempDir {
    folder(&[("mesh.yaml", DOCUMENTS)])
}

fn render(at: &str) -> (String, String) {
    let documents = documents();
    let run = run(&["render", "-f", text(documents.path()), "--at", at]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    (run.stdout, run.stderr)
}

/// The objects of these kinds.
fn filter_kinds(objects: &str, kinds: &[&str]) -> String {
    let is_of = |object: &&str| {
        let mut kinds = kinds.iter();
        kinds.any(|kind| object.contains(&format!("\nkind: {kind}\n")))
    };
    objects.split("---\n").filter(is_of).collect()
}

#[test]
fn expired_rules_fail_no_command() {
    let documents = documents();
    let input = text(documents.path());
    let other = folder(&[]);
    let out = format!("{}/install/", text(other.path()));
    let log = other.path().join("access.log");
    std::fs::write(&log, "").unwrap();
    let commands: [&[&str]; 6] = [
        &["validate"],
        &["render"],
        &["install-values", "--out", &out],
        &["verify", "--manifests", input],
        &["learn", "--access-log", text(&log)],
        &[
            "decide",
            "--from",
            "front/web",
            "--method",
            "GET",
            "--path",
            "/",
        ],
    ];
    for command in commands {
        let run = run(&[command, &["-f", input, "--at", AFTER]].concat());
        assert!(run.status < 3, "{command:?}: {}", run.stderr);
        for warning in ["warning[expired-rule]", "warning[expired-exception]"] {
            assert!(run.stderr.contains(warning), "{command:?}: {}", run.stderr);
        }
    }
    let refused = run(&["validate", "-f", input, "--at", AFTER, "--deny-warnings"]);
    assert_eq!(refused.status, 3);
    let accepted = run(&["validate", "-f", input, "--at", BEFORE, "--deny-warnings"]);
    assert_eq!(accepted.status, 0, "{}", accepted.stderr);
}

#[test]
fn omits_expired_rules_from_objects_and_notes_them() {
    let istio = [
        "AuthorizationPolicy",
        "PeerAuthentication",
        "NetworkPolicy",
        "Sidecar",
    ];
    let (before, notes) = render(BEFORE);
    let objects = filter_kinds(&before, &istio);
    assert!(objects.contains("sa/audit"), "{objects}");
    assert!(objects.contains("name: scanners"), "{objects}");
    assert!(!notes.contains("left out"), "{notes}");
    let (after, notes) = render(AFTER);
    let objects = filter_kinds(&after, &istio);
    assert!(!objects.contains("audit"), "{objects}");
    assert!(!objects.contains("scanners"), "{objects}");
    assert!(objects.contains("sa/web"), "{objects}");
    for note in [
        "rule `audit` of policy `warehouse/stock`: has expired and never matches",
        "rule `freeze` of policy `warehouse/stock`: has expired and never matches",
        "kubectl delete peerauthentication -n warehouse scanners",
    ] {
        assert!(notes.contains(note), "{notes}");
    }
    // The filter uses its own clock, so its revision does not depend on the time of rendering.
    assert_eq!(
        filter_kinds(&before, &["WasmPlugin"]),
        filter_kinds(&after, &["WasmPlugin"])
    );
}

#[test]
fn decides_for_any_given_time() {
    let documents = documents();
    let input = text(documents.path());
    let asked = |from: &str, at: &str| {
        let run = run(&[
            "decide", "-f", input, "--at", at, "--from", from, "--method", "GET", "--path", "/",
            "--output", "json",
        ]);
        let answer: Value = serde_json::from_str(&run.stdout).unwrap();
        (
            run.status,
            answer.get("reason").cloned().unwrap_or_default(),
        )
    };
    assert_eq!(
        [BEFORE, AFTER].map(|at| asked("audits/audit", at)),
        [(0, json!("allowed-by-rule")), (2, json!("expired-rule"))]
    );
    // Until the exception ends, plaintext requests reach the rules.
    let reasons = [BEFORE, AFTER].map(|at| asked("anonymous", at).1);
    assert_eq!(reasons, [json!("no-identity"), json!("refused-by-proxy")]);
}

#[test]
fn lists_end_dates_by_owner() {
    let documents = documents();
    let list = |at: &str, span: &str, form: &str| {
        let mut command = command(&[
            "validate",
            "-f",
            "mesh.yaml",
            "--at",
            at,
            "--expiring",
            span,
            "--output",
            form,
        ]);
        command.current_dir(documents.path());
        let run = finish(command, "");
        assert_eq!(run.status, 0, "{}", run.stderr);
        run.stdout
    };
    insta::assert_snapshot!(list(BEFORE, "30d", "table"));
    insta::assert_snapshot!(list(AFTER, "1d", "table"));
    assert_eq!(
        list("2026-05-01T00:00:00Z", "7d", "table"),
        "nothing expires in this time span\n"
    );
    let found: Value = serde_json::from_str(&list(BEFORE, "1h", "json")).unwrap();
    assert_eq!(found, json!({"problems": [], "expiring": []}));
    let found: Value = serde_json::from_str(&list(AFTER, "1h", "json")).unwrap();
    let first = &found["expiring"][1];
    assert_eq!(
        first,
        &json!({
            "kind": "rule",
            "namespace": "warehouse",
            "name": "stock",
            "rule": "audit",
            "owner": "team-audit",
            "notAfter": "2026-06-10T00:00:00Z",
            "expired": true,
            "file": "mesh.yaml",
            "line": 31,
        })
    );
    assert_eq!(found["expiring"][0]["kind"], "exception");
    assert_eq!(found["problems"].as_array().map(Vec::len), Some(3));
}

/// A passing date must not fail a green pipeline. Other differences are still reported.
#[test]
fn warns_about_objects_rendered_before_an_end_date_and_names_the_cause() {
    let documents = documents();
    let (before, _) = render(BEFORE);
    let verify = |objects: &str, at: &str| {
        let manifests = folder(&[("objects.yaml", objects)]);
        let (documents, manifests) = (text(documents.path()), text(manifests.path()));
        let args = ["verify", "-f", documents, "--manifests", manifests];
        run(&[&args[..], &["--at", at]].concat())
    };
    let exception = "mTLS exception `scanners` of namespace `warehouse` has expired";
    let (audit, web) = (
        "rule `audit` of policy `warehouse/stock` has expired",
        "rule `audit` of policy `warehouse/stock` and rule `web` of policy `warehouse/stock` have expired",
    );
    let web = web.replace(
        "rule `audit` of policy `warehouse/stock` and rule `web` of policy `warehouse/stock`",
        "rule `web` of policy `warehouse/stock` and rule `audit` of policy `warehouse/stock`",
    );
    for (at, named) in [
        (BEFORE, vec![]),
        (AFTER, vec![exception, audit]),
        ("2026-07-02T00:00:00Z", vec![exception, &*web]),
    ] {
        let verified = verify(&before, at);
        assert_eq!(verified.status, 0, "{at}: {}", verified.stdout);
        assert!(!verified.stdout.contains("error["), "{}", verified.stdout);
        // This rule is in no object: RBAC has no clock.
        assert!(!verified.stdout.contains("`freeze`"), "{}", verified.stdout);
        let is_warned = verified.stdout.contains("warning[ended-object]");
        assert_eq!(is_warned, !named.is_empty(), "{at}: {}", verified.stdout);
        for name in named {
            assert!(
                verified.stdout.contains(name),
                "{at}: {name}: {}",
                verified.stdout
            );
        }
    }
    // The end date is named only for the object that it changes.
    let at_once = verify(&before, AFTER).stdout;
    let exception_finding = at_once
        .split("PeerAuthentication warehouse/scanners")
        .nth(1);
    let message = exception_finding.and_then(|rest| rest.lines().next());
    assert!(
        message.is_some_and(|it| it.contains(exception)),
        "{at_once}"
    );
    assert!(message.is_some_and(|it| !it.contains("rule")), "{at_once}");
    let between = render(AFTER).0;
    let verified = verify(&between, "2026-07-02T00:00:00Z");
    assert_eq!(verified.status, 0, "{}", verified.stdout);
    assert!(!verified.stdout.contains("`audit`"), "{}", verified.stdout);
    for (from, to) in [("sa/audit", "sa/other"), ("sa/web", "*")] {
        let changed = before.replace(from, to);
        assert_ne!(changed, before);
        let verified = verify(&changed, AFTER);
        assert_eq!(verified.status, 2, "{}", verified.stdout);
        assert!(
            verified.stdout.contains("error[changed-object]"),
            "{}",
            verified.stdout
        );
    }
}

#[test]
fn refuses_an_invalid_time_span_with_a_fix() {
    for (span, message) in [
        (
            &["-1d"][..],
            "`--expiring -1d`: a time span or number cannot be negative; write it without the `-`",
        ),
        (
            &["--output", "json"],
            "a value is required for '--expiring <SPAN>'",
        ),
        (&["30"], "write a number with `s`, `m`, `h`, `d` or `w`"),
    ] {
        let args = ["validate", "-f", POLICIES, "--expiring"];
        let refused = run(&[&args[..], span].concat());
        assert_eq!(refused.status, 3, "{span:?}: {}", refused.stderr);
        assert!(
            refused.stderr.contains(message),
            "{span:?}: {}",
            refused.stderr
        );
    }
}
