//! If proxies do not extract tags, Prometheus extracts labels from metric names.

use serde_json::{Value, json};

use super::mesh::{Mesh, Policies};
use super::promote::{promote, rule_report};
use super::run;
use super::scraping::{scraping_with_relabeling, wait_for};
use super::top::row;

/// The printed relabeling steps for a scrape job.
fn steps() -> Value {
    let printed = run(&["metrics", "--output", "relabeling"]);
    assert_eq!(printed.status, 0, "{}", printed.stderr);
    let printed: Value = serde_saphyr::from_str(&printed.stdout).unwrap();
    printed["metric_relabel_configs"].clone()
}

/// A policy and rules whose names have to be escaped in metrics.
fn policies() -> Policies {
    let policies = Policies::reporting("{metricNames: Flat}");
    let text = policies
        .text()
        .replace("name: orders", "name: cart-service.v1");
    std::fs::write(policies.path(), text).unwrap();
    policies
}

#[test]
fn extracts_labels_from_flat_names() {
    let policies = policies();
    let mesh = Mesh::with_tags(&policies, &[]);
    let prometheus = scraping_with_relabeling(mesh.admin(), &steps());
    mesh.ask("web", "/orders", 7);
    mesh.ask("web", "/reports", 2);
    mesh.ask("jobs", "/orders", 3);
    wait_for(
        &prometheus,
        "sum(peergate_decisions_total{peergate_policy=\"shop_cart__service_v1\"}) == 17",
    );
    let counted = prometheus.query("peergate_decisions_total > 0").unwrap();
    let mut counted: Vec<_> = counted
        .iter()
        .map(|series| {
            let [rule, effect, reason] = ["peergate_rule", "peergate_effect", "peergate_reason"]
                .map(|it| &*series.labels[it]);
            (rule, effect, reason, series.value())
        })
        .collect();
    counted.sort_by_key(|(rule, ..)| *rule);
    assert_eq!(
        counted,
        [
            ("NONE", "deny", "no__rule__matched", 3.0),
            ("jobs", "shadow_allow", "allowed__by__rule", 3.0),
            ("no__reports", "shadow_deny", "denied__by__rule", 2.0),
            ("web", "allow", "allowed__by__rule", 9.0),
        ]
    );
    // The revision of the documents is a metric of its own.
    let revision = policies.revision().get();
    wait_for(
        &prometheus,
        &format!(
            "peergate_policy_revision{{peergate_policy=\"shop_cart__service_v1\"}} == {revision}"
        ),
    );
    // No metric keeps a flat name.
    let others = prometheus.query("{__name__=~\".*_POLICY_.*\"}").unwrap();
    assert_eq!(others, []);

    let judged = promote(&policies, &prometheus, &["--output", "json"]);
    let fields = ["verdict", "requests", "otherRevisions", "hits"];
    assert_eq!(
        rule_report(&judged, "no-reports", &fields),
        json!(["would-deny", 12, [], [{
            "rule": "no-reports",
            "reason": "denied-by-rule",
            "requests": 2,
            "beforeFirstLook": 0,
        }]])
    );
    assert_eq!(
        rule_report(&judged, "no-admin", &["verdict", "requests"]),
        json!(["not-long-enough", 12])
    );

    let shown = run(&[
        "top",
        "--prometheus",
        &prometheus.url(),
        "--policy",
        "shop/cart-service.v1",
        "--once",
        "-f",
        &policies.name(),
    ]);
    assert_eq!(shown.status, 0, "{}", shown.stderr);
    assert_everything_shown(&shown.stdout);
    assert!(!shown.stdout.contains("stale"), "{}", shown.stdout);
}

#[test]
fn shows_a_proxy_with_flat_names_without_relabeling() {
    let mesh = Mesh::with_tags(&policies(), &[]);
    mesh.ask("web", "/orders", 7);
    mesh.ask("web", "/reports", 2);
    mesh.ask("jobs", "/orders", 3);
    let url = format!("http://{}", mesh.admin());
    let shown = run(&["top", "--proxy", &url, "--interval", "100ms", "--once"]);
    assert_eq!(shown.status, 0, "{}", shown.stderr);
    assert_everything_shown(&shown.stdout);
}

/// Asserts that policies, rules and reasons have their real names.
fn assert_everything_shown(stdout: &str) {
    const POLICY: &str = "shop/cart-service.v1";
    // The counts of allowed, denied and shadow requests, and the reasons.
    for (rule, expected) in [
        ("web", ["9", "0", "0", "allowed-by-rule"]),
        ("no-reports", ["0", "0", "2", "denied-by-rule"]),
        ("-", ["0", "3", "0", "no-rule-matched"]),
    ] {
        assert_eq!(row(stdout, &[POLICY, rule])[5..9], expected, "{rule}");
    }
    let ends = format!("expiring next: no-reports of {POLICY} in ");
    assert!(stdout.contains(&ends), "{stdout}");
    assert!(
        stdout.contains(&format!("revisions: {POLICY} ")),
        "{stdout}"
    );
}
