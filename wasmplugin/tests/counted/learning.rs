//! The filter's learning mode tells who called, in reports and live.

use serde_json::json;

use super::mesh::{Mesh, Policies};
use super::promote::{of_rule, promote};
use super::run;
use super::scraped::after_allowing;
use super::scraping::{scraping, wait_for};
use super::top::row;

const LEARNING: &str = "{learning: {}}";
const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";

#[test]
fn callers_of_denials_to_come_are_named() {
    let policies = Policies::reporting(LEARNING);
    let mesh = Mesh::start(&policies);
    let prometheus = scraping(mesh.admin());
    mesh.ask("web", "/orders", 20);
    mesh.ask("web", "/reports", 3);
    wait_for(
        &prometheus,
        "sum(peergate_decisions_total{peergate_effect=\"allow\"}) == 23 and sum(peergate_observed_requests_total{peergate_rule=\"no-reports\"}) == 3",
    );
    let judged = promote(&policies, &prometheus, &["--output", "json"]);
    assert_eq!(
        of_rule(&judged, "no-reports", &["verdict", "requests", "callers"]),
        json!(["would-deny", 23, [{
            "caller": WEB,
            "method": "GET",
            "path": "/reports",
            "others": false,
            "requests": 3,
        }]])
    );
    let human = promote(&policies, &prometheus, &["--rule", "no-reports"]);
    let line = format!("           3  {WEB} GET /reports");
    assert!(
        human.stdout.lines().any(|found| found == line),
        "{}",
        human.stdout
    );
}

#[test]
fn callers_are_shown_live_with_what_is_in_force() {
    let policies = Policies::reporting(LEARNING);
    let mesh = Mesh::start(&policies);
    let prometheus = scraping(mesh.admin());
    mesh.ask("web", "/orders", 7);
    mesh.ask("jobs", "/orders", 2);
    wait_for(
        &prometheus,
        "sum(peergate_observed_requests_total{peergate_effect=\"allow\"}) == 7 and sum(peergate_observed_requests_total{peergate_effect=\"deny\"}) == 2",
    );
    let top = || {
        let url = prometheus.url();
        let shown = run(&[
            "top",
            "--prometheus",
            &url,
            "--once",
            "-f",
            &policies.name(),
        ]);
        assert_eq!(shown.status, 0, "{}", shown.stderr);
        shown.stdout
    };
    let shown = top();
    // Callers, and how many of their requests were allowed, denied and done in shadow.
    let web = row(&shown, &[WEB, "shop/orders"]);
    assert_eq!(web[5..], ["7", "0", "0", "GET", "/orders"]);
    let jobs = row(&shown, &[&WEB.replace("web", "jobs"), "shop/orders"]);
    assert_eq!(jobs[5..], ["0", "2", "2", "GET", "/orders"]);

    let revision = format!("revisions: shop/orders {}", policies.revision());
    assert!(shown.lines().any(|line| line == revision), "{shown}");
    assert!(!shown.contains("stale"), "{shown}");
    assert!(
        shown.contains("expiring next: no-reports of shop/orders in "),
        "{shown}"
    );
    assert!(
        shown.contains(" MiB of memory, 0 configs rejected"),
        "{shown}"
    );
    assert!(!shown.contains(" 0.0 MiB"), "{shown}");

    // Documents that nobody has applied yet.
    let changed = policies.text().replace("[web]", "[web, app]");
    std::fs::write(policies.path(), changed).unwrap();
    let stale = format!(
        "stale: shop/orders runs {} (1 proxy), but the documents have {}",
        revision.rsplit(' ').next().unwrap(),
        policies.revision()
    );
    let shown = top();
    assert!(shown.lines().any(|line| line == stale), "{shown}");
}

#[test]
fn without_the_learning_mode_there_is_nothing_to_learn_and_why_is_told() {
    let policies = Policies::new();
    let (_mesh, prometheus) = after_allowing(&policies, 7);
    let url = prometheus.url();
    let learnt = run(&["learn", "--prometheus", &url, "-f", &policies.name()]);
    assert_eq!((learnt.status, learnt.stdout.as_str()), (2, ""));
    let note = " has no `peergate_observed_requests_total` in the last 7d: turn on the learning mode with `spec.filter.reporting.learning: {}` in the `Mesh`";
    assert!(learnt.stderr.contains(note), "{}", learnt.stderr);
}
