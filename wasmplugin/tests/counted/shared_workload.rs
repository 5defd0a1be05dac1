//! Policies for the same workload are judged together, by all decisions there.

use peergate_sandbox::Prometheus;
use serde_json::{Value, json};

use super::exporter::Exporter;
use super::mesh::Policies;
use super::promote::{promote, promote_by_all};
use super::run;
use super::scraping::{scraping, wait_for};

/// A policy that selects the workload, and one for its namespace with this `enforcement`.
fn policies(namespace_enforcement: &str) -> Policies {
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
  enforcement: {namespace_enforcement}
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

/// The metrics of a proxy: policy, rule, effect, reason and count.
fn metrics(counts: &[(&str, &str, &str, &str, u64)]) -> String {
    let lines = counts.iter().map(|(policy, rule, effect, reason, count)| {
        format!("peergate_decisions_total{{peergate_policy=\"shop_{policy}\",peergate_rule=\"{rule}\",peergate_effect=\"{effect}\",peergate_reason=\"{reason}\"}} {count}\n")
    });
    lines.collect()
}

/// A Prometheus that has scraped a proxy before and after these counts.
fn prometheus_with(counts: &[(&str, &str, &str, &str, u64)]) -> Prometheus {
    let before: Vec<_> = counts
        .iter()
        .map(|(policy, rule, effect, reason, _)| (*policy, *rule, *effect, *reason, 0))
        .collect();
    let exporter = Exporter::serving(&metrics(&before));
    let prometheus = scraping(exporter.address);
    exporter.set(&metrics(counts));
    let all: u64 = counts.iter().map(|(.., count)| count).sum();
    wait_for(
        &prometheus,
        &format!("sum(peergate_decisions_total) == {all}"),
    );
    prometheus
}

/// These fields of the report, for each policy.
fn judge(policies: &Policies, prometheus: &Prometheus, fields: &[&str]) -> Value {
    let report = promote(policies, prometheus, &["--output", "json"]);
    let report: Value = serde_json::from_str(&report.stdout).expect(&report.stderr);
    let candidates = report["candidates"].as_array().unwrap().iter();
    let row = |candidate: &Value| -> Value {
        let values = fields.iter().map(|field| candidate[field].clone());
        values.collect()
    };
    candidates.map(row).collect()
}

#[test]
fn judges_and_enforces_shadow_policies_of_one_workload_together() {
    let policies = policies("Shadow");
    let prometheus = prometheus_with(&[
        ("orders", "web", "shadow_allow", "allowed-by-rule", 10),
        ("orders", "no-admin", "shadow_deny", "denied-by-rule", 0),
        ("orders", "-", "shadow_deny", "no-rule-matched", 0),
        ("probes", "probe", "shadow_allow", "allowed-by-rule", 5),
        ("probes", "-", "shadow_deny", "no-rule-matched", 0),
    ]);
    assert_eq!(
        judge(
            &policies,
            &prometheus,
            &["policy", "together", "verdict", "requests"]
        ),
        json!([
            ["shop/orders", ["shop/probes"], "not-long-enough", 15],
            ["shop/probes", ["shop/orders"], "not-long-enough", 15],
        ])
    );
    // Naming either policy promotes both.
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
fn decisions_of_an_enforced_policy_count_as_the_requests_of_its_workload() {
    let policies = policies("Enforce");
    let prometheus = prometheus_with(&[
        // Matches of shadow rules, which decide nothing.
        ("orders", "web", "shadow_allow", "allowed-by-rule", 10),
        ("orders", "no-admin", "shadow_deny", "denied-by-rule", 1),
        // Decisions are counted for the leader or the follower whose rule decided.
        ("orders", "-", "deny", "no-rule-matched", 12),
        ("probes", "probe", "allow", "allowed-by-rule", 5),
        ("other", "web", "allow", "allowed-by-rule", 100),
    ]);
    assert_eq!(
        judge(
            &policies,
            &prometheus,
            &["policy", "together", "verdict", "requests"]
        ),
        json!([["shop/orders", null, "would-deny", 17]])
    );
}
