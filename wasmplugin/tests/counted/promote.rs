//! Rules in shadow are judged by what was counted, and enforced.

use std::time::{Duration, UNIX_EPOCH};

use peergate_sandbox::Prometheus;
use serde_json::{Value, json};

use super::mesh::{Mesh, Policies};
use super::scraped::{after_allowing, allow};
use super::scraping::{scraping, wait_for};
use super::{Run, run};

/// Longer than any of these takes.
const WINDOW: &str = "5m";

pub(crate) fn promote(policies: &Policies, prometheus: &Prometheus, more: &[&str]) -> Run {
    let (file, url) = (policies.name(), prometheus.url());
    let mut args = vec!["promote", "-f", &file, "--prometheus", &url];
    if !more.contains(&"--window") {
        args.extend(["--window", WINDOW]);
    }
    args.extend(more);
    run(&args)
}

/// The same, with a window that covers exactly the recorded samples.
pub(crate) fn promote_by_all(policies: &Policies, prometheus: &Prometheus, more: &[&str]) -> Run {
    let moment = |query: &str| prometheus.query(query).unwrap()[0].value();
    let first = moment("min(min_over_time(timestamp(peergate_decisions_total)[10m:100ms]))");
    let now = moment("time()");
    let window = format!("{}s", (now - first).floor());
    let at = humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_secs_f64(now));
    let (at, whole) = (at.to_string(), ["--window", &window]);
    promote(
        policies,
        prometheus,
        &[&whole[..], &["--at", &at], more].concat(),
    )
}

/// What is said of a rule, in these fields.
pub(crate) fn of_rule(run: &Run, rule: &str, fields: &[&str]) -> Value {
    let report: Value = serde_json::from_str(&run.stdout).expect(&run.stderr);
    let mut candidates = report["candidates"].as_array().unwrap().iter();
    let candidate = candidates
        .find(|candidate| candidate["rule"] == rule)
        .unwrap();
    fields
        .iter()
        .map(|field| candidate[field].clone())
        .collect()
}

#[test]
fn what_is_in_shadow_is_judged_by_what_was_counted_and_then_enforced() {
    let policies = Policies::new();
    let mesh = Mesh::start(&policies);
    let prometheus = scraping(mesh.admin());
    assert_eq!(mesh.ask("web", "/orders", 20), 200);
    assert_eq!(mesh.ask("web", "/reports", 3), 200);
    // Denied all the same, which is a request that the policy decided about.
    assert_eq!(mesh.ask("jobs", "/orders", 2), 403);
    wait_for(
        &prometheus,
        "sum(peergate_decisions_total{peergate_effect=\"allow\"}) == 23 and sum(peergate_decisions_total{peergate_effect=\"deny\"}) == 2 and sum(peergate_decisions_total{peergate_effect=\"shadow_deny\"}) == 3",
    );

    let judged = promote(&policies, &prometheus, &["--output", "json"]);
    assert_eq!(judged.status, 2, "{}", judged.stderr);
    let fields = ["verdict", "requests", "moreRequests", "beginning"];
    assert_eq!(
        of_rule(&judged, "no-admin", &fields),
        json!(["not-long-enough", 25, 2970, "first-seen"])
    );
    let wait = of_rule(&judged, "no-admin", &["waitSeconds"])[0].clone();
    assert!((1..300).contains(&wait.as_u64().unwrap()), "{wait}");
    let by_all = promote_by_all(&policies, &prometheus, &["--output", "json"]);
    assert_eq!(
        of_rule(&by_all, "no-admin", &fields),
        json!(["too-few-requests", 25, 2970, "asked"])
    );
    let fields = ["verdict", "requests", "hits", "callers"];
    assert_eq!(
        of_rule(&judged, "no-reports", &fields),
        json!(["would-deny", 25, [{
            "rule": "no-reports",
            "reason": "denied-by-rule",
            "requests": 3,
            "beforeFirstLook": 0,
        }], null])
    );
    let hits = &of_rule(&judged, "jobs", &["verdict", "ready", "hits"]);
    assert_eq!((&hits[0], &hits[1]), (&json!("harmless"), &json!(true)));
    assert_eq!(hits[2][0]["requests"], 2);

    let human = promote_by_all(&policies, &prometheus, &["--max-breakage", "20%"]);
    assert_eq!(human.status, 2);
    for line in [
        "rule no-admin of policy shop/orders (Deny): ready",
        "  none of 25 requests would have been denied: the denial rate is at most 11 %, with 95 % confidence",
        "rule no-reports of policy shop/orders (Deny): not ready, would have denied requests",
        "  3 of 25 requests would have been denied: 12 %, and the denial rate is at most 28 %, with 95 % confidence",
        "2 of 3 ready",
    ] {
        assert!(
            human.stdout.lines().any(|found| found == line),
            "{line}\n{}",
            human.stdout
        );
    }

    // What is ready is enforced, and nothing else of the file changes.
    let before = policies.text();
    let written = promote_by_all(
        &policies,
        &prometheus,
        &["--max-breakage", "20%", "--rule", "no-admin", "--write"],
    );
    assert_eq!(written.status, 0, "{}", written.stderr);
    let expected = before.replace(
        "      enforcement: Shadow  # until somebody has looked\n",
        "      # until somebody has looked\n",
    );
    assert_ne!(before, expected);
    assert_eq!(policies.text(), expected);
    assert_eq!(run(&["validate", "-f", &policies.name()]).status, 0);
    let enforcing = Mesh::start(&policies);
    assert_eq!(enforcing.ask("web", "/admin", 1), 403);
    assert_eq!(enforcing.ask("web", "/reports", 1), 200);
    // It is no longer in shadow.
    let again = promote(&policies, &prometheus, &["--rule", "no-admin"]);
    assert_eq!(again.status, 3);
}

#[test]
fn what_was_counted_before_anybody_looked_counts_as_a_denial_and_not_as_a_request() {
    let policies = Policies::new();
    let mesh = Mesh::start(&policies);
    assert_eq!(mesh.ask("web", "/reports", 4), 200);
    let prometheus = scraping(mesh.admin());
    let judged = promote(&policies, &prometheus, &["--output", "json"]);
    let hits = of_rule(&judged, "no-reports", &["verdict", "requests", "hits"]);
    assert_eq!((&hits[0], &hits[1]), (&json!("would-deny"), &json!(0)));
    assert_eq!(hits[2][0]["beforeFirstLook"], 4);
}

#[test]
fn what_no_proxy_has_is_not_ready() {
    let policies = Policies::new();
    let (_mesh, prometheus) = after_allowing(&policies, 5);
    let running = policies.revision();
    let text = policies.text().replace("no-reports", "no-exports");
    std::fs::write(policies.path(), text).unwrap();
    let judged = || {
        let judged = promote(
            &policies,
            &prometheus,
            &["--max-breakage", "90%", "--output", "json"],
        );
        assert_eq!(judged.status, 2);
        judged
    };
    // The proxy tells which revision it has, and that is another one.
    assert_eq!(
        of_rule(
            &judged(),
            "no-exports",
            &["verdict", "requests", "otherRevisions"]
        ),
        json!(["other-revisions", null, [running.to_string()]])
    );
    // Of a policy that was never applied, nothing is known.
    let text = policies.text().replace("name: orders", "name: parts");
    std::fs::write(policies.path(), text).unwrap();
    assert_eq!(
        of_rule(&judged(), "no-exports", &["verdict", "requests"]),
        json!(["not-counted", null])
    );
}

#[test]
fn a_fresh_prometheus_has_not_counted_for_long_enough() {
    let policies = Policies::new();
    let mesh = Mesh::start(&policies);
    let prometheus = scraping(mesh.admin());
    // In a window of a week, promote looks every 20 minutes, and every 2.4 seconds in the last 20 minutes. It counts what
    // was counted after its first look.
    wait_for(
        &prometheus,
        "time() - min(min_over_time(timestamp(peergate_decisions_total)[5m:100ms])) > 3",
    );
    allow(&mesh, &prometheus, 20);
    let week = ["--window", "7d", "--max-breakage", "20%"];
    let json = promote(
        &policies,
        &prometheus,
        &[&week[..], &["--output", "json"]].concat(),
    );
    assert_eq!(json.status, 2, "{}", json.stderr);
    let fields = ["verdict", "ready", "requests", "moreRequests", "beginning"];
    assert_eq!(
        of_rule(&json, "no-admin", &fields),
        json!(["not-long-enough", false, 20, null, "first-seen"])
    );
    let wait = of_rule(&json, "no-admin", &["waitSeconds"])[0].clone();
    assert!(
        (604_000..604_800).contains(&wait.as_u64().unwrap()),
        "{wait}"
    );
    let human = promote(&policies, &prometheus, &week);
    for part in [
        "rule no-admin of policy shop/orders (Deny): not ready, the counters do not cover the window yet\n  none of 20 requests would have been denied: the denial rate is at most ",
        " of 7d: wait 7d, until 20",
        ", or choose a shorter `--window`\n",
    ] {
        assert!(human.stdout.contains(part), "{part}\n{}", human.stdout);
    }
    // What would have been denied is known at once.
    assert_eq!(mesh.ask("web", "/reports", 1), 200);
    wait_for(
        &prometheus,
        "sum(peergate_decisions_total{peergate_effect=\"shadow_deny\"}) == 1",
    );
    let json = promote(
        &policies,
        &prometheus,
        &[&week[..], &["--output", "json"]].concat(),
    );
    assert_eq!(
        of_rule(&json, "no-reports", &["verdict"]),
        json!(["would-deny"])
    );
}
