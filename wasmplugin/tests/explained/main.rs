//! `peergate explain` on ids of decisions that real proxies made: which rule, why, and a change that helps.

#![expect(
    clippy::unwrap_used,
    reason = "what the tests share may fail as the tests do"
)]

#[path = "../support/command.rs"]
mod command;
#[path = "../support/filter.rs"]
mod filter;
mod mesh;

use command::{Run, run};
use mesh::{Caller, Mesh, Policies};
use peergate_sandbox::Request;
use serde_json::{Value, json};

const WEB: Caller<'_> = Caller::Uri("spiffe://cluster.local/ns/shop/sa/web");
const KEY: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=\n";

fn explain(policies: &Policies, id: &str, more: &[&str]) -> Run {
    let name = policies.name();
    let key = policies.key.as_ref().map(|key| key.to_str().unwrap());
    let mut args = vec!["explain", id, "-f", &name];
    if let Some(key) = key {
        args.extend(["--decision-key", key]);
    }
    args.extend(more);
    run(&args)
}

fn explained(policies: &Policies, id: &str) -> Value {
    let explained = explain(policies, id, &["--output", "json"]);
    assert_eq!(explained.status, 0, "{}", explained.stderr);
    serde_json::from_str(&explained.stdout).unwrap()
}

/// The lines that a change adds and removes.
fn changed_lines(explained: &Value) -> Vec<String> {
    let patch = explained["patch"].as_str().unwrap().lines();
    let changed = patch.filter(|line| {
        line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---")
    });
    changed.map(str::to_owned).collect()
}

#[test]
fn the_nearest_rule_is_told_and_a_rule_that_allows_the_request_and_no_more() {
    let policies = Policies::new();
    let mesh = Mesh::start(&policies);
    let id = mesh.denied(WEB, "POST", "/orders?token=hunter2");
    let told = explained(&policies, &id);
    assert_eq!(told["reason"], "no-rule-matched");
    assert_eq!(told["reasonByDocuments"], "no-rule-matched");
    assert_eq!(told["isSameRevision"], true);
    assert_eq!(
        told["request"]["caller"],
        "spiffe://cluster.local/ns/shop/sa/web"
    );
    assert_eq!(told["request"]["method"], "POST");
    assert_eq!(told["request"]["path"], "/orders");
    assert_eq!(told["request"]["host"], "orders.shop:8080");
    assert_eq!(
        told["nearest"][0],
        json!({
            "rule": {"policy": "shop/orders", "id": "web", "owner": "team-web"},
            "differs": [{"attribute": "method", "wanted": ["GET"]}],
        })
    );
    assert_eq!(
        changed_lines(&told),
        [
            "+    - id: web-2",
            "+      effect: Allow",
            "+      from:",
            "+        - serviceAccounts: [web]",
            "+      to:",
            "+        - methods: [POST]",
            "+          paths: [/orders]",
        ]
    );
    assert_eq!(told["isSealed"], false);
    let human = explain(&policies, &id, &[]);
    assert!(human.stdout.contains("the decision ID is not sealed"));
    assert!(
        human
            .stdout
            .contains("rule web of shop/orders, owner team-web\n    method  GET\n")
    );

    // With the change it passes, and what is next to it does not.
    let written = explain(&policies, &id, &["--write", "--yes"]);
    assert_eq!(written.status, 0, "{}", written.stderr);
    let mesh = Mesh::start(&policies);
    assert_eq!(mesh.ask(WEB, "POST", "/orders").status, 200);
    for (method, path) in [("POST", "/orders/1"), ("PUT", "/orders"), ("POST", "/")] {
        assert_eq!(mesh.ask(WEB, method, path).status, 403, "{method} {path}");
    }
    let other = Caller::Uri("spiffe://cluster.local/ns/shop/sa/other");
    assert_eq!(mesh.ask(other, "POST", "/orders").status, 403);
    // The id is of a decision under another revision now.
    let told = explained(&policies, &id);
    assert_eq!(told["isSameRevision"], false);
    assert_eq!(told["isAllowedByDocuments"], true);
    assert_eq!(told["patch"], Value::Null);
}

#[test]
fn callers_of_other_namespaces_and_with_other_ids_are_written_as_what_they_are() {
    let policies = Policies::new();
    let mesh = Mesh::start(&policies);
    for (caller, expected) in [
        (
            "spiffe://cluster.local/ns/jobs/sa/nightly",
            "serviceAccounts: [jobs/nightly]",
        ),
        (
            "spiffe://cluster.local/vm/7",
            "principals: [\"spiffe://cluster.local/vm/7\"]",
        ),
    ] {
        let id = mesh.denied(Caller::Uri(caller), "GET", "/orders");
        let told = explained(&policies, &id);
        let changed = changed_lines(&told).join("\n");
        assert!(changed.contains(expected), "{changed}");
        assert_eq!(told["nearest"][0]["differs"][0]["attribute"], "caller");
    }
}

#[test]
fn a_rule_that_has_expired_is_prolonged_and_one_to_come_begins() {
    let policies = Policies::new();
    let mesh = Mesh::start(&policies);
    let reports = Caller::Uri("spiffe://cluster.local/ns/shop/sa/reports");
    let id = mesh.denied(reports, "GET", "/reports");
    let told = explained(&policies, &id);
    assert_eq!(told["reason"], "expired-rule");
    assert_eq!(told["rule"]["id"], "old-reports");
    let until = explain(
        &policies,
        &id,
        &[
            "--write",
            "--yes",
            "--until",
            "2090-01-01T00:00:00Z",
            "--output",
            "json",
        ],
    );
    let until: Value = serde_json::from_str(&until.stdout).unwrap();
    assert_eq!(
        changed_lines(&until),
        [
            "-      notAfter: \"2026-01-01T00:00:00Z\"  # when the new ones are there",
            "+      notAfter: \"2090-01-01T00:00:00Z\"  # when the new ones are there",
        ]
    );
    let planning = Caller::Uri("spiffe://cluster.local/ns/shop/sa/planning");
    let id = mesh.denied(planning, "GET", "/plans");
    let told = explained(&policies, &id);
    assert_eq!(told["reason"], "rule-not-yet-valid");
    assert_eq!(explain(&policies, &id, &["--write", "--yes"]).status, 0);
    let mesh = Mesh::start(&policies);
    assert_eq!(mesh.ask(reports, "GET", "/reports").status, 200);
    assert_eq!(mesh.ask(planning, "GET", "/plans").status, 200);
}

#[test]
fn a_caller_is_excepted_from_a_rule_that_denies_where_another_allows() {
    let policies = Policies::new();
    let mesh = Mesh::start(&policies);
    let quarantined = Caller::Uri("spiffe://cluster.local/ns/quarantine/sa/probe");
    let id = mesh.denied(quarantined, "GET", "/status");
    let told = explained(&policies, &id);
    assert_eq!(told["reason"], "denied-by-rule");
    assert_eq!(
        told["rule"],
        json!({"policy": "shop/orders", "id": "quarantined", "owner": "team-security"})
    );
    assert_eq!(
        changed_lines(&told),
        [
            "-        - namespaces: [quarantine]",
            "+        - notPrincipals: [\"spiffe://cluster.local/ns/quarantine/sa/probe\"]",
            "+          namespaces: [quarantine]",
        ]
    );
    // Where nothing else would allow it, an exception alone is no help.
    let id = mesh.denied(quarantined, "GET", "/orders");
    let told = explained(&policies, &id);
    assert_eq!(told["patch"], Value::Null);
    assert!(
        told["advice"]
            .as_str()
            .unwrap()
            .starts_with("ask the owner")
    );
    assert_eq!(explain(&policies, &id, &["--output", "patch"]).status, 2);
}

#[test]
fn callers_that_are_nobody_of_the_mesh_get_advice_and_no_rule() {
    let policies = Policies::new();
    let mesh = Mesh::start(&policies);
    for (caller, reason, advice) in [
        (
            Caller::Plaintext,
            "no-identity",
            "give the caller an identity",
        ),
        (
            Caller::Uri("spiffe://evil.example/ns/shop/sa/web"),
            "foreign-trust-domain",
            "call from a workload of this mesh",
        ),
        (
            Caller::Uri("https://web.example"),
            "malformed-identity",
            "give the caller a certificate",
        ),
    ] {
        let id = mesh.denied(caller, "GET", "/orders");
        let told = explained(&policies, &id);
        assert_eq!(told["reason"], reason);
        assert_eq!(told["reasonByDocuments"], reason);
        assert!(
            told["advice"].as_str().unwrap().starts_with(advice),
            "{told}"
        );
        let before = policies.text();
        assert_eq!(explain(&policies, &id, &["--write"]).status, 2);
        assert_eq!(policies.text(), before);
    }
}

/// A new rule would take away what the owner of the nearest one asks for.
#[test]
fn what_an_id_does_not_have_is_said_and_no_rule_without_it_is_proposed() {
    let policies = Policies::new();
    let mesh = Mesh::start(&policies);
    let token =
        json!({"attribute": "token", "wanted": ["request principal https://idp.example/*"]});
    let header = json!({"attribute": "when", "wanted": ["request.headers[x-tenant]"]});
    for (account, rule, lacking) in [
        ("tenant", "tenants", header),
        ("partner", "partners", token),
    ] {
        let caller = format!("spiffe://cluster.local/ns/shop/sa/{account}");
        let answer = mesh.ask(Caller::Uri(&caller), "GET", "/orders");
        let answer: Value = serde_json::from_str(&answer.text()).unwrap();
        assert_eq!(answer["rule"], rule);
        assert_eq!(answer["differs"], json!([lacking["attribute"]]));

        let id = answer["decision"].as_str().unwrap();
        let told = explained(&policies, id);
        assert_eq!(told["nearest"][0]["differs"], json!([lacking]));
        assert_eq!(told["asksForMore"], true);
        assert_eq!(told["patch"], Value::Null);
        let advice = told["advice"].as_str().unwrap();
        assert!(advice.starts_with("check what the caller sent"), "{advice}");
        assert!(advice.contains(rule), "{advice}");
        assert_eq!(explain(&policies, id, &["--write"]).status, 2);
        let human = explain(&policies, id, &[]).stdout;
        assert!(
            human.contains("rules depend on headers, tokens or addresses"),
            "{human}"
        );
    }
}

#[test]
fn a_new_rule_is_for_this_host_alone_where_another_asks_for_one() {
    let policies = Policies::new();
    let stock = Caller::Uri("spiffe://cluster.local/ns/shop/sa/stock");
    let id = Mesh::start(&policies).denied(stock, "GET", "/orders");
    let told = explained(&policies, &id);
    assert_eq!(told["nearest"][0]["differs"][0]["attribute"], "host");
    let changed = changed_lines(&told);
    assert_eq!(
        changed.last().unwrap(),
        "+          hosts: [\"orders.shop:8080\"]"
    );
    let written = explain(&policies, &id, &["--write", "--yes"]);
    assert!(
        written.stdout.contains("at this host and any port"),
        "{}",
        written.stdout
    );
    let mesh = Mesh::start(&policies);
    assert_eq!(mesh.ask(stock, "GET", "/orders").status, 200);
    let elsewhere = Request::new("GET", "/orders").authority("invoices.shop");
    assert_eq!(mesh.client(stock).send(&elsewhere).unwrap().status, 403);
}

#[test]
fn a_rule_in_shadow_that_would_allow_the_request_is_enforced() {
    let policies = Policies::new();
    let trial = Caller::Uri("spiffe://cluster.local/ns/shop/sa/trial");
    let id = Mesh::start(&policies).denied(trial, "GET", "/orders");
    let told = explained(&policies, &id);
    assert_eq!(told["reason"], "no-rule-matched");
    assert_eq!(told["ruleInShadow"]["id"], "trials");
    assert_eq!(changed_lines(&told), ["-      enforcement: Shadow"]);
    let written = explain(&policies, &id, &["--write", "--yes"]);
    assert!(
        written
            .stdout
            .contains("rule trials of shop/orders would allow the request"),
        "{}",
        written.stdout
    );
    let mesh = Mesh::start(&policies);
    assert_eq!(mesh.ask(trial, "GET", "/orders").status, 200);
}

#[test]
fn a_policy_in_shadow_is_said_to_be() {
    let policies = Policies::new();
    let id = Mesh::start(&policies).denied(WEB, "POST", "/orders");
    assert_eq!(explained(&policies, &id)["isShadow"], false);
    policies.replace(
        "spec:\n  selector",
        "spec:\n  enforcement: Shadow\n  selector",
    );
    assert_eq!(explained(&policies, &id)["isShadow"], true);
    let human = explain(&policies, &id, &[]).stdout;
    assert!(human.contains("the policy is in shadow"), "{human}");
}

/// An operator forbade something in place, and the documents know nothing of it.
#[test]
fn no_change_is_proposed_where_the_filter_has_other_rules_than_the_documents() {
    let policies = Policies::new();
    let documents = policies.text();
    let emergency =
        json!({"id": "emergency", "effect": "Deny", "from": [{"serviceAccounts": ["web"]}]});
    let mesh = Mesh::start_edited(&policies, emergency);
    let id = mesh.denied(WEB, "GET", "/orders/1/items");
    let told = explained(&policies, &id);
    assert_eq!(told["isSameRevision"], true);
    assert_eq!(told["reason"], "denied-by-rule");
    assert_eq!(told["reasonByDocuments"], "no-rule-matched");
    assert_eq!(told["patch"], Value::Null);
    let advice = told["advice"].as_str().unwrap();
    assert!(advice.contains("edited in the cluster"), "{advice}");
    assert_eq!(explain(&policies, &id, &["--write"]).status, 2);
    assert_eq!(policies.text(), documents);
}

#[test]
fn ids_that_were_changed_or_made_elsewhere_are_refused() {
    let open = Policies::new();
    let sealed = Policies::sealed(KEY);
    let id = Mesh::start(&sealed).denied(WEB, "POST", "/orders");
    assert_eq!(explained(&sealed, &id)["reason"], "no-rule-matched");
    let refused = |policies: &Policies, id: &str, expected: &str| {
        let refused = explain(policies, id, &[]);
        assert_eq!((refused.status, &*refused.stdout), (3, ""), "{id}");
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    };
    let mut changed = id.clone();
    let last = changed.pop().unwrap();
    changed.push(if last == 'A' { 'Q' } else { 'A' });
    refused(&sealed, &changed, "decision ID");
    refused(&sealed, id.get(1..).unwrap(), "decision ID");
    refused(&sealed, "nonsense", "decision ID");
    refused(&open, &id, "the decision key is required");
    let of_others = Policies::sealed("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    refused(&of_others, &id, "was altered or issued elsewhere");
    let unsealed = Mesh::start(&open).denied(WEB, "POST", "/orders");
    refused(&sealed, &unsealed, "is not sealed, so it may be forged");
    // One of a policy that the documents do not have.
    open.replace("name: orders", "name: invoices");
    refused(&open, &unsealed, "unknown policy `shop/orders`");
}

#[test]
fn a_file_that_is_no_key_is_refused() {
    let policies = Policies::new();
    let key = policies.write_key("bad.txt", "c2hvcnQ=");
    let args = [
        "render",
        "-f",
        &policies.name(),
        "--at",
        "2025-12-31T00:00:00Z",
    ];
    let refused = run(&[&args[..], &["--decision-key", key.to_str().unwrap()]].concat());
    assert_eq!((refused.status, &*refused.stdout), (3, ""));
    assert!(
        refused.stderr.contains("openssl rand -base64 32"),
        "{}",
        refused.stderr
    );
}
