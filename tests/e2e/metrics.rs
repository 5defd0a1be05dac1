//! Decisions are counted where Prometheus can read them.

use peergate_sandbox::Request;

use crate::mesh::{Mesh, WEB, plugin_config};

const COUNTER: &str = "peergate_decisions_total";

#[test]
fn each_decision_is_counted_once_with_policy_rule_effect_and_reason() {
    let mesh = Mesh::start();
    let web = mesh.client_as(WEB);
    for _ in 0..3 {
        web.send(&Request::get("/orders")).unwrap();
    }
    web.send(&Request::get("/admin")).unwrap();
    mesh.plaintext_client()
        .send(&Request::get("/orders"))
        .unwrap();
    let quarantined = mesh.client_as("spiffe://cluster.local/ns/quarantine/sa/any");
    quarantined.send(&Request::get("/status")).unwrap();
    let metrics = mesh.envoy.metrics().unwrap();
    let count = |rule: &str, effect: &str, reason: &str| {
        let labels = [
            ("peergate_policy", "shop_orders"),
            ("peergate_rule", rule),
            ("peergate_effect", effect),
            ("peergate_reason", reason),
        ];
        metrics.value(COUNTER, &labels)
    };
    assert_eq!(
        count("web-places-orders", "allow", "allowed-by-rule"),
        Some(3.0)
    );
    assert_eq!(count("quarantined", "deny", "denied-by-rule"), Some(1.0));
    let of_reason = |reason: &str| {
        metrics.value(
            COUNTER,
            &[("peergate_effect", "deny"), ("peergate_reason", reason)],
        )
    };
    assert_eq!(of_reason("no-rule-matched"), Some(1.0));
    assert_eq!(of_reason("no-identity"), Some(1.0));
    let total: f64 = metrics
        .samples(COUNTER)
        .filter_map(|sample| match sample.value {
            prometheus_parse::Value::Counter(value)
            | prometheus_parse::Value::Gauge(value)
            | prometheus_parse::Value::Untyped(value) => Some(value),
            _ => None,
        })
        .sum();
    assert!((total - 6.0).abs() < f64::EPSILON, "{total}");
}

#[test]
fn no_request_makes_a_new_series() {
    let mesh = Mesh::start();
    let series = || mesh.envoy.metrics().unwrap().samples(COUNTER).count();
    let before = series();
    assert!(before > 0);
    for number in 0..40 {
        let caller = format!("spiffe://cluster.local/ns/shop/sa/caller-{number}");
        let path = format!("/random/{number}");
        mesh.client_as(&caller).send(&Request::get(&path)).unwrap();
    }
    assert_eq!(series(), before);
}

#[test]
fn counters_are_there_without_labels_where_the_mesh_has_no_tags_for_them() {
    let mesh = Mesh::launch(plugin_config(|_| {}), &[]);
    mesh.client_as(WEB).send(&Request::get("/orders")).unwrap();
    let stats = mesh.envoy.stats().unwrap();
    let counted = stats.lines().find(|line| {
        line.contains(COUNTER) && line.contains("web_places_orders") && line.ends_with(" 1")
    });
    assert!(counted.is_some(), "{stats}");
}
