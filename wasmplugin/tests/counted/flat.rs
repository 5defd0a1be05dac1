//! Where proxies are not told the tags of metrics, Prometheus gets labels out of names.

use serde_json::{Value, json};

use super::mesh::{Mesh, Policies};
use super::promote::{of_rule, promote};
use super::run;
use super::scraping::{relabelling, wait_for};
use super::top::row;

/// The steps that are printed for a scrape job.
fn steps() -> Value {
    let printed = run(&["metrics", "--output", "relabeling"]);
    assert_eq!(printed.status, 0, "{}", printed.stderr);
    let printed: Value = serde_saphyr::from_str(&printed.stdout).unwrap();
    printed["metric_relabel_configs"].clone()
}

/// A policy, and rules of it, whose names no metric can have as they are.
fn policies() -> Policies {
    let policies = Policies::reporting("{metricNames: Flat}");
    let text = policies
        .text()
        .replace("name: orders", "name: cart-service.v1");
    std::fs::write(policies.path(), text).unwrap();
    policies
}

#[test]
fn labels_are_got_out_of_flat_names() {
    let policies = policies();
    let mesh = Mesh::with_tags(&policies, &[]);
    let prometheus = relabelling(mesh.admin(), &steps());
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
    // The revision is that of the documents, under its own name.
    let revision = policies.revision().get();
    wait_for(
        &prometheus,
        &format!(
            "peergate_policy_revision{{peergate_policy=\"shop_cart__service_v1\"}} == {revision}"
        ),
    );
    // Nothing keeps a flat name.
    let others = prometheus.query("{__name__=~\".*_POLICY_.*\"}").unwrap();
    assert_eq!(others, []);

    let judged = promote(&policies, &prometheus, &["--output", "json"]);
    let fields = ["verdict", "requests", "otherRevisions", "hits"];
    assert_eq!(
        of_rule(&judged, "no-reports", &fields),
        json!(["would-deny", 12, [], [{
            "rule": "no-reports",
            "reason": "denied-by-rule",
            "requests": 2,
            "beforeFirstLook": 0,
        }]])
    );
    assert_eq!(
        of_rule(&judged, "no-admin", &["verdict", "requests"]),
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
    everything_is_shown(&shown.stdout);
    assert!(!shown.stdout.contains("stale"), "{}", shown.stdout);
}

#[test]
fn a_proxy_with_flat_names_is_shown_without_relabelling() {
    let mesh = Mesh::with_tags(&policies(), &[]);
    mesh.ask("web", "/orders", 7);
    mesh.ask("web", "/reports", 2);
    mesh.ask("jobs", "/orders", 3);
    let url = format!("http://{}", mesh.admin());
    let shown = run(&["top", "--proxy", &url, "--interval", "100ms", "--once"]);
    assert_eq!(shown.status, 0, "{}", shown.stderr);
    everything_is_shown(&shown.stdout);
}

/// Policies, rules and reasons as they are called.
fn everything_is_shown(stdout: &str) {
    const POLICY: &str = "shop/cart-service.v1";
    // How many were allowed, denied and done in shadow, and why.
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
