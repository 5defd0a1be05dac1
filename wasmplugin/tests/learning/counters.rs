//! Learns from counters of the filter in place of access logs.

use peergate_sandbox::Prometheus;
use policy_schema::telemetry::ObservedValue;

use super::*;
use crate::prometheus::{Counter, END};
use crate::scraping::wait_for;
use crate::shop::learning_config;

/// The labels of a learning mode counter of a pod of the shop.
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

/// A week of the cart service with a policy in shadow that has no rules yet.
fn week() -> (tempfile::TempDir, Prometheus) {
    let passes = ["shadow_deny", "-"];
    let frontend = service("frontend");
    let counter = |labels: String, value: fn(u64) -> Option<u64>| Counter { labels, value };
    prometheus::with(&[
        // All week, in a pod and its replacement.
        counter(labels("a", passes, &frontend, "POST", ADD), |minute| {
            (minute < 5000).then_some(100 + minute)
        }),
        counter(labels("b", passes, &frontend, "POST", ADD), |minute| {
            (minute >= 5000).then(|| minute - 4999)
        }),
        // Existed before the week and did not grow.
        counter(labels("a", passes, &frontend, "POST", "/old"), |_| {
            Some(1000)
        }),
        // Starts with its final value: too few requests.
        counter(
            labels("a", passes, &service("adservice"), "POST", GET),
            |minute| (minute >= 3000).then_some(2),
        ),
        // Same with enough requests, but all at one moment.
        counter(
            labels("a", passes, &service("emailservice"), "POST", GET),
            |minute| (minute >= 3000).then_some(50),
        ),
        // Occasional requests.
        counter(
            labels("a", passes, &service("checkoutservice"), "POST", GET),
            |minute| (minute >= 1000).then_some(minute / 1000),
        ),
        counter(
            labels("a", ["deny", "-"], &service("paymentservice"), "POST", GET),
            Some,
        ),
        // Allowed by a shadow rule, while the policy denies it.
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
    let learned = calls("learned");
    let [seldom, often] = learned.as_slice() else {
        panic!("{learned:?}")
    };
    assert_eq!(*seldom, call("checkoutservice", GET, 10));
    // Prometheus extrapolates to the edges of the window.
    assert!((10_000..10_200).contains(&often.2), "{often:?}");
    assert_eq!(*often, call("frontend", ADD, often.2));
    assert_eq!(
        calls("rare"),
        [call("adservice", GET, 2), call("emailservice", GET, 50)]
    );
    let excluded = policy["excluded"].as_array().unwrap().iter();
    let excluded: Vec<_> = excluded
        .map(|excluded| excluded["because"].as_str().unwrap())
        .collect();
    assert_eq!(
        excluded,
        ["denied", "past-bound", "no-identity-of-the-mesh"]
    );

    // One day only, and another policy.
    let day = learn(&["--window", "1d"]);
    assert_eq!(day.status, 0, "{}", day.stderr);
    assert!(!day.stdout.contains("adservice"), "{}", day.stdout);
    let other = learn(&["--policy", "boutique/frontend"]);
    assert_eq!((other.status, other.stdout.as_str()), (2, ""));
}

#[test]
fn relearns_the_cart_rules_from_filter_counters() {
    let policy = "boutique/cartservice";
    let sidecar = Sidecar::start(&shadow_without_rules(learning_config("cartservice")));
    let prometheus = scraping(sidecar.admin());
    let calls = shop::decisions(policy);
    let allowed: Vec<_> = calls.iter().filter(|call| call.is_allowed).collect();
    for call in allowed.iter().flat_map(|call| [call; ROUNDS]) {
        assert_eq!(sidecar.send(call), 200, "{call:?}");
    }
    let bad = Call::new(policy, &service("recommendationservice"), "POST", GET);
    assert_eq!(sidecar.send(&bad), 200);
    // Waits for several scrapes: counters that grow only between two scrapes are too brief to learn from.
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
        run(&[&from[..], &new_policy_args(policy), more].concat(), "")
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("learned.yaml");
    let learned = learn(&["--out", out.to_str().unwrap()]);
    assert_eq!(learned.status, 0, "{}", learned.stderr);
    let learned = ["-f", MESH, "-f", out.to_str().unwrap()];
    let validated = run(&[&["validate"], &learned[..]].concat(), "");
    assert_eq!(validated.status, 0, "{}", validated.stderr);
    let expected: Vec<_> = calls.iter().map(|call| call.is_allowed).collect();
    assert_eq!(answers(&learned, &calls), expected);
    assert_eq!(answers(&learned, &[bad]), [false]);

    let report = learn(&["--output", "json"]);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    let rare = report["policies"][0]["rare"].as_array().unwrap();
    assert_eq!(rare.len(), 1, "{rare:?}");
    assert_eq!(rare[0]["caller"], "boutique/recommendationservice");
    assert_eq!(rare[0]["path"], GET);
}
