//! Policies for the same workload count together, and are judged by all that was decided there.

use peergate_sandbox::Prometheus;
use serde_json::{Value, json};

use super::exporter::Exporter;
use super::mesh::Policies;
use super::promote::{promote, promote_by_all};
use super::run;
use super::scraping::{scraping, wait_for};

/// One that selects the workload, and one for its namespace with such an `enforcement`.
fn policies(of_namespace: &str) -> Policies {
    let policies = Policies::new();
    let text = format!(
        r#"apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {{name: test}}
spec: {{trustDomain: cluster.local, istioVersion: "1.29", filter: {{image: "file:///peergate_filter.wasm"}}}}
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata:
  name: orders
  namespace: shop
spec:
  selector:
    matchLabels:
      app: orders
  enforcement: Shadow
  rules:
    - id: web
      effect: Allow
      from:
        - serviceAccounts: [web]
    - id: no-admin
      effect: Deny
      to:
        - paths: [/admin]
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata:
  name: probes
  namespace: shop
spec:
  scope: Namespace
  enforcement: {of_namespace}
  rules:
    - id: probe
      effect: Allow
      from:
        - serviceAccounts: [monitoring/probe]
"#
    );
    std::fs::write(policies.path(), text).unwrap();
    policies
}

/// What a proxy says of each policy, rule, effect and reason.
fn said(counts: &[(&str, &str, &str, &str, u64)]) -> String {
    let lines = counts.iter().map(|(policy, rule, effect, reason, count)| {
        format!("peergate_decisions_total{{peergate_policy=\"shop_{policy}\",peergate_rule=\"{rule}\",peergate_effect=\"{effect}\",peergate_reason=\"{reason}\"}} {count}\n")
    });
    lines.collect()
}

/// A Prometheus that has looked at a proxy before and after it counted this.
fn counted(counts: &[(&str, &str, &str, &str, u64)]) -> Prometheus {
    let before: Vec<_> = counts
        .iter()
        .map(|(policy, rule, effect, reason, _)| (*policy, *rule, *effect, *reason, 0))
        .collect();
    let exporter = Exporter::saying(&said(&before));
    let prometheus = scraping(exporter.address);
    exporter.say(&said(counts));
    let all: u64 = counts.iter().map(|(.., count)| count).sum();
    wait_for(
        &prometheus,
        &format!("sum(peergate_decisions_total) == {all}"),
    );
    prometheus
}

/// What is said of each policy, in these fields.
fn judged(policies: &Policies, prometheus: &Prometheus, fields: &[&str]) -> Value {
    let report = promote(policies, prometheus, &["--output", "json"]);
    let report: Value = serde_json::from_str(&report.stdout).expect(&report.stderr);
    let candidates = report["candidates"].as_array().unwrap().iter();
    let of = |candidate: &Value| -> Value {
        let values = fields.iter().map(|field| candidate[field].clone());
        values.collect()
    };
    candidates.map(of).collect()
}

#[test]
fn policies_in_shadow_for_one_workload_are_judged_and_enforced_together() {
    let policies = policies("Shadow");
    let prometheus = counted(&[
        ("orders", "web", "shadow_allow", "allowed-by-rule", 10),
        ("orders", "no-admin", "shadow_deny", "denied-by-rule", 0),
        ("orders", "-", "shadow_deny", "no-rule-matched", 0),
        ("probes", "probe", "shadow_allow", "allowed-by-rule", 5),
        ("probes", "-", "shadow_deny", "no-rule-matched", 0),
    ]);
    assert_eq!(
        judged(
            &policies,
            &prometheus,
            &["policy", "together", "verdict", "requests"]
        ),
        json!([
            ["shop/orders", ["shop/probes"], "not-long-enough", 15],
            ["shop/probes", ["shop/orders"], "not-long-enough", 15],
        ])
    );
    // Whichever of them is asked for.
    let written = promote_by_all(
        &policies,
        &prometheus,
        &[
            "--max-breakage",
            "20%",
            "--policy",
            "shop/probes",
            "--write",
        ],
    );
    assert_eq!(written.status, 0, "{}{}", written.stdout, written.stderr);
    for line in [
        "policies shop/orders, shop/probes together: ready",
        "  none of 15 requests would have been denied: the denial rate is at most 18 %, with 95 % confidence",
        "1 of 1 ready",
    ] {
        let is_there = written.stdout.lines().any(|found| found == line);
        assert!(is_there, "{line}\n{}", written.stdout);
    }
    assert!(!policies.text().contains("Shadow"), "{}", policies.text());
    assert_eq!(run(&["validate", "-f", &policies.name()]).status, 0);
}

#[test]
fn beside_an_enforced_policy_its_decisions_are_the_requests() {
    let policies = policies("Enforce");
    let prometheus = counted(&[
        // Matches of rules that have no say.
        ("orders", "web", "shadow_allow", "allowed-by-rule", 10),
        ("orders", "no-admin", "shadow_deny", "denied-by-rule", 1),
        // Decisions, by whichever policy leads.
        ("orders", "-", "deny", "no-rule-matched", 12),
        ("probes", "probe", "allow", "allowed-by-rule", 5),
        ("other", "web", "allow", "allowed-by-rule", 100),
    ]);
    assert_eq!(
        judged(
            &policies,
            &prometheus,
            &["policy", "together", "verdict", "requests"]
        ),
        json!([["shop/orders", null, "would-deny", 17]])
    );
}
