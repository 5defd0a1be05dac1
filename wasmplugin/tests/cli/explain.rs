//! `peergate explain`, of ids that nobody's proxy made.

use policy_schema::decision_id::{DecisionRecord, RecordedCaller};
use policy_schema::telemetry::ReasonCode;
use policy_schema::timestamp::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

const ORDERS: &str = "\
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata:
  name: orders
  namespace: shop
spec:
  selector:
    matchLabels:
      app: orders
  rules:
";

const ALL: &str = "
    - id: all
      effect: Allow
      from:
        - namespaces: [shop]
";

/// The mesh, and the policy `shop/orders` with these rules.
fn documents(rules: &str) -> TempDir {
    let orders = format!("{ORDERS}{rules}");
    folder(&[
        ("policies/mesh.yaml", MESH),
        ("policies/orders.yaml", &orders),
    ])
}

/// The id of a decision of June 2026 about `GET /orders` of `shop/web`, by the first rule if there is one.
fn id(reason: &str) -> String {
    let reason: ReasonCode = reason.parse().unwrap();
    let time = Timestamp::parse(NOW).unwrap().unix_seconds();
    let record = DecisionRecord {
        reason: reason.number(),
        time,
        rule: None,
        policy: "shop/orders".to_owned(),
        revision: None,
        caller: RecordedCaller::Workload("spiffe://cluster.local/ns/shop/sa/web".to_owned()),
        method: Some(b"GET".to_vec()),
        path: Some(b"/orders".to_vec()),
        path_is_truncated: false,
        host: Some(b"orders.shop".to_vec()),
        port: Some(8080),
    };
    record.encode()
}

fn explain(documents: &TempDir, reason: &str, more: &[&str]) -> Run {
    let id = id(reason);
    let mut command = command(&["explain", &id, "-f", "policies"]);
    command.args(more).current_dir(documents.path());
    finish(command, "")
}

fn told(documents: &TempDir, reason: &str) -> Value {
    let told = explain(documents, reason, &["--output", "json"]);
    assert_eq!(told.status, 0, "{}", told.stderr);
    serde_json::from_str(&told.stdout).unwrap()
}

fn advice(documents: &TempDir, reason: &str) -> String {
    let told = told(documents, reason);
    assert_eq!(told.get("patch"), Some(&Value::Null), "{told}");
    told.get("advice")
        .and_then(Value::as_str)
        .unwrap()
        .to_owned()
}

const EXPIRED: &str = "
    - id: web
      effect: Allow
      notAfter: \"2026-01-01T00:00:00Z\"
      from:
        - serviceAccounts: [web]
";

#[test]
fn an_expired_rule_is_not_prolonged_to_a_time_that_is_past() {
    let documents = documents(EXPIRED);
    let refused = explain(
        &documents,
        "expired-rule",
        &["--until", "2026-06-02T00:00:00Z"],
    );
    assert_eq!((refused.status, &*refused.stdout), (3, ""));
    assert!(
        refused.stderr.contains("is in the past"),
        "{}",
        refused.stderr
    );
}

#[test]
fn an_expired_rule_is_prolonged_to_the_end_of_a_day_and_then_the_documents_are_valid() {
    let documents = documents(EXPIRED);
    let written = explain(&documents, "expired-rule", &["--write", "--yes"]);
    assert_eq!(written.status, 0, "{}", written.stderr);
    assert!(
        written.stdout.contains("T00:00:00Z\"\n"),
        "{}",
        written.stdout
    );
    let policies = documents.path().join("policies");
    let validated = run(&["validate", "-f", text(&policies)]);
    assert_eq!(validated.status, 0, "{}", validated.stderr);
}

#[test]
fn an_expired_rule_is_a_warning_and_the_change_is_proposed() {
    let documents = documents(&EXPIRED.replace("web", "reports"));
    let told = told(&documents, "no-rule-matched");
    assert!(told["patch"].is_string(), "{told}");
}

#[test]
fn who_takes_a_patch_alone_reads_that_anybody_may_have_made_up_the_id() {
    let documents = documents(&ALL.replace("[shop]", "[jobs]"));
    for form in [
        &["--output", "patch"][..],
        &["--output", "json", "--write", "--yes"],
    ] {
        let patch = explain(&documents, "no-rule-matched", form);
        assert_eq!(patch.status, 0, "{}", patch.stderr);
        for note in ["anyone could have forged it", "had no revision"] {
            assert!(patch.stderr.contains(note), "{}", patch.stderr);
        }
    }
}

#[test]
fn the_paths_of_a_patch_begin_here_or_else_at_the_repository_of_the_file() {
    let documents = documents(&ALL.replace("[shop]", "[jobs]"));
    let here = explain(&documents, "no-rule-matched", &["--output", "patch"]);
    assert!(
        here.stdout
            .starts_with("--- a/policies/orders.yaml\n+++ b/policies/orders.yaml\n"),
        "{}",
        here.stdout
    );
    assert!(!here.stderr.contains("git -C"), "{}", here.stderr);

    for folder in [".git", "deploy"] {
        std::fs::create_dir(documents.path().join(folder)).unwrap();
    }
    let id = id("no-rule-matched");
    let mut beside = command(&["explain", &id, "-f", "../policies", "--output", "patch"]);
    beside.current_dir(documents.path().join("deploy"));
    let beside = finish(beside, "");
    assert_eq!(beside.stdout, here.stdout);
    let root = documents.path().canonicalize().unwrap();
    let apply = format!("git -C {} apply", root.display());
    assert!(beside.stderr.contains(&apply), "{}", beside.stderr);
}

#[test]
fn outside_a_repository_a_patch_begins_at_the_folder_of_the_file() {
    let documents = documents(&ALL.replace("[shop]", "[jobs]"));
    let id = id("no-rule-matched");
    let policies = documents.path().join("policies").canonicalize().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    for working in [elsewhere.path(), Path::new("/")] {
        let mut command = command(&["explain", &id, "-f", text(&policies), "--output", "patch"]);
        command.current_dir(working);
        let patch = finish(command, "");
        assert!(
            patch
                .stdout
                .starts_with("--- a/orders.yaml\n+++ b/orders.yaml\n"),
            "{}",
            patch.stdout
        );
        let apply = format!("`patch -d {} -p1`", policies.display());
        assert!(patch.stderr.contains(&apply), "{}", patch.stderr);
    }
}

#[test]
fn there_is_no_patch_of_stdin() {
    let documents = format!("{MESH}---\n{ORDERS}{ALL}");
    let id = id("no-rule-matched");
    let refused = run_with(
        &["explain", &id, "-f", "-", "--output", "patch"],
        &documents,
    );
    assert_eq!((refused.status, &*refused.stdout), (3, ""));
    assert!(refused.stderr.contains("use a file"), "{}", refused.stderr);
}

#[test]
fn a_rule_that_denies_whom_it_names_has_no_exception() {
    for accounts in ["[web]", "[web, jobs]"] {
        let rule = format!(
            "
    - id: no-web
      effect: Deny
      from:
        - serviceAccounts: {accounts}{ALL}"
        );
        let advice = advice(&documents(&rule), "denied-by-rule");
        assert!(
            advice
                .starts_with("remove the caller from the sources of rule `no-web` of shop/orders"),
            "{advice}"
        );
    }
}

#[test]
fn a_rule_that_cannot_be_put_into_the_file_is_told_to_be_pasted() {
    let in_brackets = "    [{id: jobs, effect: Allow, from: [{serviceAccounts: [jobs]}]}]\n";
    let documents = documents(in_brackets);
    let told = told(&documents, "no-rule-matched");
    let rule = "    - id: web\n      effect: Allow\n      from:\n        - serviceAccounts: [web]\n      \
                to:\n        - methods: [GET]\n          paths: [/orders]\n";
    assert_eq!(told["ruleToAdd"], rule);
    assert_eq!(told["patch"], Value::Null);
    let advice = told["advice"].as_str().unwrap();
    assert!(
        advice.starts_with("add this rule to shop/orders by hand"),
        "{advice}"
    );
    let human = explain(&documents, "no-rule-matched", &[]).stdout;
    assert!(human.ends_with(rule), "{human}");
    let text = std::fs::read_to_string(documents.path().join("policies/orders.yaml")).unwrap();
    assert_eq!(
        explain(&documents, "no-rule-matched", &["--write"]).status,
        2
    );
    let after = std::fs::read_to_string(documents.path().join("policies/orders.yaml")).unwrap();
    assert_eq!(after, text);
}

#[test]
fn what_cannot_be_changed_in_the_file_is_told_in_words() {
    let block = EXPIRED.replace(
        "\"2026-01-01T00:00:00Z\"",
        ">-\n        2026-01-01T00:00:00Z",
    );
    let prolonged = advice(&documents(&block), "expired-rule");
    assert!(
        prolonged.starts_with("set `notAfter: \"")
            && prolonged.contains("rule `web` of shop/orders"),
        "{prolonged}"
    );
    let flow = format!(
        "
    - id: nobody
      effect: Deny
      from: [{{namespaces: [shop]}}]{ALL}"
    );
    let excepted = advice(&documents(&flow), "denied-by-rule");
    assert!(
        excepted.starts_with("add `notPrincipals: [\"spiffe://cluster.local/ns/shop/sa/web\"]`"),
        "{excepted}"
    );
}

#[test]
fn a_rule_that_asks_for_an_address_has_no_copy_without_it() {
    let inside = "
    - id: inside
      effect: Allow
      from:
        - serviceAccounts: [web]
          remoteIpBlocks: [10.0.0.0/8]
";
    let documents = documents(inside);
    let told = told(&documents, "no-rule-matched");
    assert_eq!(
        told["nearest"][0]["differs"],
        json!([{"attribute": "address", "wanted": ["client address 10.0.0.0/8"]}])
    );
    assert_eq!(told["patch"], Value::Null, "{told}");
}

/// The request may have had a token, by which the filter denied it.
#[test]
fn documents_that_allow_a_request_without_token_are_not_said_to_allow_this_one() {
    let without_token = "
    - id: without-token
      effect: Allow
      from:
        - serviceAccounts: [web]
          notRequestPrincipals: [\"https://idp.example/*\"]
";
    let advice = advice(&documents(without_token), "no-rule-matched");
    assert!(advice.starts_with("find the headers, tokens"), "{advice}");
}

#[test]
fn an_id_that_anyone_may_have_made_up_changes_no_file_unless_it_is_said_to() {
    let documents = documents(&ALL.replace("[shop]", "[jobs]"));
    let file = documents.path().join("policies/orders.yaml");
    let before = std::fs::read_to_string(&file).unwrap();
    let refused = explain(&documents, "no-rule-matched", &["--write"]);
    assert_eq!(refused.status, 3, "{}", refused.stderr);
    assert!(
        refused
            .stderr
            .contains("nothing was written: the decision ID is not sealed")
            && refused.stderr.contains("add `--yes`"),
        "{}",
        refused.stderr
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);

    let written = explain(&documents, "no-rule-matched", &["--write", "--yes"]);
    assert_eq!(written.status, 0, "{}", written.stderr);
    assert_eq!(written.stderr, "wrote policies/orders.yaml\n");
    assert_ne!(std::fs::read_to_string(&file).unwrap(), before);

    // Without `--write` there is nothing to say yes to.
    let useless = explain(&documents, "no-rule-matched", &["--yes"]);
    assert_eq!(useless.status, 3);
}
