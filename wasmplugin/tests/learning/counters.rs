//! What a filter counts in place of what a proxy logs.

use peergate_sandbox::Prometheus;
use policy_schema::telemetry::ObservedValue;

use super::*;
use crate::prometheus::{Counter, END};
use crate::scraping::wait_for;
use crate::shop::learning_config;

/// The labels of a counter of the learning mode, as a pod of the shop has it.
fn labels(pod: &str, decided: [&str; 2], caller: &str, method: &str, path: &str) -> String {
    let encoded = |text: &str| ObservedValue::label(Some(text.as_bytes()));
    let [effect, rule] = decided;
    format!(
        r#"pod="{pod}",peergate_policy="boutique_cartservice",peergate_rule="{rule}",peergate_effect="{effect}",peergate_caller="{}",peergate_method="{}",peergate_path="{}""#,
        encoded(caller),
        encoded(method),
        encoded(path),
    )
}

const ADD: &str = "/hipstershop.CartService/AddItem";
const GET: &str = "/hipstershop.CartService/GetCart";

/// A week of the cart service, with a policy in shadow that has no rule yet.
fn week() -> (tempfile::TempDir, Prometheus) {
    let passes = ["shadow_deny", "-"];
    let frontend = service("frontend");
    let counter = |labels: String, value: fn(u64) -> Option<u64>| Counter { labels, value };
    prometheus::with(&[
        // All week, in two pods, of which one is replaced.
        counter(labels("a", passes, &frontend, "POST", ADD), |minute| {
            (minute < 5000).then_some(100 + minute)
        }),
        counter(labels("b", passes, &frontend, "POST", ADD), |minute| {
            (minute >= 5000).then(|| minute - 4999)
        }),
        // It was there before and did not grow.
        counter(labels("a", passes, &frontend, "POST", "/old"), |_| {
            Some(1000)
        }),
        // A series that begins with what it counted, and stays so: too few.
        counter(
            labels("a", passes, &service("adservice"), "POST", GET),
            |minute| (minute >= 3000).then_some(2),
        ),
        // The same with enough, but in no time.
        counter(
            labels("a", passes, &service("emailservice"), "POST", GET),
            |minute| (minute >= 3000).then_some(50),
        ),
        // Now and then.
        counter(
            labels("a", passes, &service("checkoutservice"), "POST", GET),
            |minute| (minute >= 1000).then_some(minute / 1000),
        ),
        counter(
            labels("a", ["deny", "-"], &service("paymentservice"), "POST", GET),
            Some,
        ),
        // Beside what is denied.
        counter(
            labels(
                "a",
                ["shadow_allow", "new"],
                &service("paymentservice"),
                "POST",
                GET,
            ),
            Some,
        ),
        counter(labels("a", passes, "-", "POST", GET), Some),
        counter(labels("a", passes, "-other-", "-other-", "-other-"), Some),
    ])
}

#[test]
fn learns_from_learning_mode_counters_in_prometheus() {
    let (_data, prometheus) = week();
    let url = prometheus.url();
    let learn = |more: &[&str]| {
        let args = ["learn", "--prometheus", &url, "--at", END, "-f", MESH];
        let args = [&args[..], &["--service-port", "7070"], more].concat();
        run(&args, "")
    };
    let json = learn(&["--output", "json"]);
    assert_eq!(json.status, 0, "{}", json.stderr);
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    let policy = &report["policies"][0];
    let calls = |field: &str| -> Vec<(String, String, u64)> {
        let calls = policy[field].as_array().unwrap().iter();
        calls
            .map(|call| {
                let text = |field: &str| call[field].as_str().unwrap().to_owned();
                (
                    text("caller"),
                    text("path"),
                    call["count"].as_u64().unwrap(),
                )
            })
            .collect()
    };
    let call =
        |caller: &str, path: &str, count| (format!("boutique/{caller}"), path.to_owned(), count);
    let learnt = calls("learnt");
    let [seldom, often] = learnt.as_slice() else {
        panic!("{learnt:?}")
    };
    assert_eq!(*seldom, call("checkoutservice", GET, 10));
    // Prometheus extrapolates to the edges of the window.
    assert!((10_000..10_200).contains(&often.2), "{often:?}");
    assert_eq!(*often, call("frontend", ADD, often.2));
    assert_eq!(
        calls("rare"),
        [call("adservice", GET, 2), call("emailservice", GET, 50)]
    );
    let aside = policy["setAside"].as_array().unwrap().iter();
    let aside: Vec<_> = aside
        .map(|aside| aside["because"].as_str().unwrap())
        .collect();
    assert_eq!(aside, ["denied", "past-bound", "no-identity-of-the-mesh"]);

    // Of a day, and of another policy.
    let day = learn(&["--window", "1d"]);
    assert_eq!(day.status, 0, "{}", day.stderr);
    assert!(!day.stdout.contains("adservice"), "{}", day.stdout);
    let other = learn(&["--policy", "boutique/frontend"]);
    assert_eq!((other.status, other.stdout.as_str()), (2, ""));
}

#[test]
fn relearns_the_cart_rules_from_filter_counters() {
    let policy = "boutique/cartservice";
    let sidecar = Sidecar::start(&nothing_yet(learning_config("cartservice")));
    let prometheus = scraping(sidecar.admin());
    let asked = shop::decisions(policy);
    let allowed: Vec<_> = asked.iter().filter(|asked| asked.is_allowed).collect();
    for asked in allowed.iter().flat_map(|asked| [asked; ROUNDS]) {
        assert_eq!(sidecar.send(asked), 200, "{asked:?}");
    }
    let bad = Asked::new(policy, &service("recommendationservice"), "POST", GET);
    assert_eq!(sidecar.send(&bad), 200);
    // Some looks at each, since what comes and goes between two looks is brief, and not learnt.
    let requests = ROUNDS * allowed.len() + 1;
    wait_for(
        &prometheus,
        &format!(
            "sum(peergate_observed_requests_total) == {requests} and min(count_over_time(peergate_observed_requests_total[5m])) >= 10"
        ),
    );

    let url = prometheus.url();
    let learn = |more: &[&str]| {
        let from = ["learn", "--prometheus", &url, "--window", "5m"];
        run(&[&from[..], &beside_mesh(policy), more].concat(), "")
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("learnt.yaml");
    let learnt = learn(&["--out", out.to_str().unwrap()]);
    assert_eq!(learnt.status, 0, "{}", learnt.stderr);
    let learnt = ["-f", MESH, "-f", out.to_str().unwrap()];
    let validated = run(&[&["validate"], &learnt[..]].concat(), "");
    assert_eq!(validated.status, 0, "{}", validated.stderr);
    let expected: Vec<_> = asked.iter().map(|asked| asked.is_allowed).collect();
    assert_eq!(answers(&learnt, &asked), expected);
    assert_eq!(answers(&learnt, &[bad]), [false]);

    let report = learn(&["--output", "json"]);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    let rare = report["policies"][0]["rare"].as_array().unwrap();
    assert_eq!(rare.len(), 1, "{rare:?}");
    assert_eq!(rare[0]["caller"], "boutique/recommendationservice");
    assert_eq!(rare[0]["path"], GET);
}
