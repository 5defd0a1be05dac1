//! Other metrics of proxies that `promote` uses: their revision, and callers.

use peergate_sandbox::Prometheus;
use serde_json::{Value, json};

use super::exporter::Exporter;
use super::mesh::Policies;
use super::promote::{promote, promote_by_all, rule_report};
use super::run;
use super::scraping::{scraping, wait_for};

/// The metrics of a proxy with this revision after `requests` requests, of which `denied` would have been denied.
fn metrics(revision: u64, requests: u64, denied: u64) -> String {
    let decisions = "peergate_decisions_total{peergate_policy=\"shop_orders\"";
    format!(
        "{decisions},peergate_rule=\"web\",peergate_effect=\"allow\",peergate_reason=\"allowed-by-rule\"}} {requests}
{decisions},peergate_rule=\"no-admin\",peergate_effect=\"shadow_deny\",peergate_reason=\"denied-by-rule\"}} {denied}
peergate_policy_revision{{peergate_policy=\"shop_orders\"}} {revision}
"
    )
}

fn judge(policies: &Policies, prometheus: &Prometheus, fields: &[&str]) -> Value {
    let report = promote(policies, prometheus, &["--output", "json"]);
    rule_report(&report, "no-admin", fields)
}

#[test]
fn counts_only_the_current_revision() {
    let policies = Policies::new();
    let revision = policies.revision().get();
    let exporter = Exporter::serving(&metrics(1, 0, 0));
    let prometheus = scraping(exporter.address);
    exporter.set(&metrics(1, 10, 2));
    wait_for(
        &prometheus,
        "sum(peergate_decisions_total{peergate_effect=\"allow\"}) == 10",
    );
    assert_eq!(
        judge(&policies, &prometheus, &["verdict", "otherRevisions"]),
        json!(["other-revisions", ["000000000001"]])
    );

    exporter.set(&metrics(revision, 10, 2));
    // Samples of the command line are more than half a second apart.
    wait_for(
        &prometheus,
        &format!("count_over_time((peergate_policy_revision == {revision})[1m:100ms]) >= 20"),
    );
    exporter.set(&metrics(revision, 15, 2));
    wait_for(
        &prometheus,
        "sum(peergate_decisions_total{peergate_effect=\"allow\"}) == 15",
    );
    let fields = ["verdict", "requests", "hits", "beginning", "otherRevisions"];
    assert_eq!(
        judge(&policies, &prometheus, &fields),
        json!(["not-long-enough", 5, [], "revised", []])
    );

    // If a proxy returns to an old revision, the verdict is unknown again.
    exporter.set(&metrics(2, 15, 2));
    wait_for(&prometheus, "peergate_policy_revision == 2");
    assert_eq!(
        judge(&policies, &prometheus, &["verdict", "otherRevisions"]),
        json!(["other-revisions", ["000000000002"]])
    );
}

#[test]
fn names_callers_if_proxies_learn_them() {
    let policies = Policies::new();
    let revision = policies.revision().get();
    let observed = |caller: &str, effect: &str, count: u64| {
        format!(
            "peergate_observed_requests_total{{peergate_policy=\"shop_orders\",peergate_rule=\"no-admin\",peergate_effect=\"{effect}\",peergate_caller=\"{caller}\",peergate_method=\"GET\",peergate_path=\"_2fadmin\"}} {count}\n"
        )
    };
    let web = "spiffe_3a_2f_2fcluster.local_2fns_2fshop_2fsa_2fweb".replace('.', "_2e");
    let exporter = Exporter::serving(&(metrics(revision, 5, 0) + &observed(&web, "allow", 5)));
    let prometheus = scraping(exporter.address);
    // The series of a caller starts with its first request.
    exporter.set(
        &(metrics(revision, 100, 4)
            + &observed(&web, "shadow_deny", 3)
            + &observed("-", "shadow_deny", 1)),
    );
    wait_for(
        &prometheus,
        "sum(peergate_decisions_total{peergate_effect=\"shadow_deny\"}) == 4",
    );
    assert_eq!(
        judge(&policies, &prometheus, &["verdict", "requests", "callers"]),
        json!(["would-deny", 95, [
            {
                "caller": "spiffe://cluster.local/ns/shop/sa/web",
                "method": "GET",
                "path": "/admin",
                "others": false,
                "requests": 3,
            },
            {"caller": null, "method": "GET", "path": "/admin", "others": false, "requests": 1},
        ]])
    );
    let human = promote(&policies, &prometheus, &["--rule", "no-admin"]);
    assert!(
        human
            .stdout
            .contains("         3  spiffe://cluster.local/ns/shop/sa/web GET /admin\n"),
        "{}",
        human.stdout
    );

    // `top` shows the same callers live.
    let shown = run(&[
        "top",
        "--prometheus",
        &prometheus.url(),
        "--once",
        "-f",
        &policies.name(),
    ]);
    assert!(
        shown
            .stdout
            .contains("spiffe://cluster.local/ns/shop/sa/web  shop/orders"),
        "{}",
        shown.stdout
    );
    assert!(!shown.stdout.contains("stale"), "{}", shown.stdout);
    exporter.set(&metrics(1, 100, 4));
    wait_for(&prometheus, "peergate_policy_revision == 1");
    let shown = run(&[
        "top",
        "--prometheus",
        &prometheus.url(),
        "--once",
        "-f",
        &policies.name(),
    ]);
    assert!(
        shown
            .stdout
            .contains("stale: shop/orders runs 000000000001 (1 proxy)"),
        "{}",
        shown.stdout
    );
}

/// While there are no samples, a proxy may have denied anything.
#[test]
fn enforces_nothing_that_was_not_scraped() {
    let policies = Policies::new();
    let says = metrics(policies.revision().get(), 10, 0);
    let exporter = Exporter::serving(&says);
    let prometheus = scraping(exporter.address);
    wait_for(
        &prometheus,
        "count_over_time(peergate_policy_revision[1m]) >= 5",
    );
    let write = ["--rule", "no-admin", "--max-breakage", "90%", "--write"];
    let before = policies.text();
    let judge = |fields: &[&str]| {
        let json = promote_by_all(
            &policies,
            &prometheus,
            &["--max-breakage", "90%", "--output", "json"],
        );
        rule_report(&json, "no-admin", fields)
    };

    // Samples are missing at the end of the window.
    exporter.set("");
    wait_for(
        &prometheus,
        "absent_over_time(peergate_policy_revision[20s])",
    );
    let fields = ["verdict", "ready", "notScrapedSince"];
    let found = judge(&fields);
    assert_eq!(
        (&found[0], &found[1]),
        (&json!("not-scraped"), &json!(false))
    );
    assert!(found[2].is_string(), "{found}");
    let written = promote_by_all(&policies, &prometheus, &write);
    assert_eq!(written.status, 2, "{}", written.stderr);
    assert!(
        written.stdout.contains("not ready, not scraped since 20"),
        "{}",
        written.stdout
    );

    // Samples are missing in the middle. A counter that restarted in the meantime counts from 0.
    exporter.set(&metrics(policies.revision().get(), 3, 0));
    wait_for(
        &prometheus,
        "count_over_time(peergate_policy_revision[5s]) >= 3",
    );
    let fields = ["verdict", "ready", "unscrapedSeconds", "lastUnscraped"];
    let found = judge(&fields);
    assert_eq!(
        (&found[0], &found[1]),
        (&json!("not-long-enough"), &json!(false))
    );
    assert!(
        found[2].as_u64().is_some_and(|seconds| seconds > 1),
        "{found}"
    );
    assert!(found[3].is_string(), "{found}");
    let written = promote_by_all(&policies, &prometheus, &write);
    assert_eq!(written.status, 2, "{}", written.stderr);
    assert_eq!(policies.text(), before);
    exporter.set(&metrics(policies.revision().get(), 3, 1));
    wait_for(
        &prometheus,
        "peergate_decisions_total{peergate_effect=\"shadow_deny\"} == 1",
    );
    assert_eq!(judge(&["verdict"]), json!(["would-deny"]));
}
