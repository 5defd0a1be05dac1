//! Decisions are counted in metrics that Prometheus can scrape.

use peergate_sandbox::Request;
use policy_schema::reporting::{LearningSpec, MetricNames};
use serde_json::{Value, json};

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
    let metrics = mesh.metrics();
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
fn requests_create_no_series() {
    let mesh = Mesh::start();
    let series = || mesh.metrics().samples(COUNTER).count();
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
fn without_tags_counters_have_no_labels() {
    let mesh = Mesh::launch(plugin_config(|_| {}), &[]);
    mesh.client_as(WEB).send(&Request::get("/orders")).unwrap();
    let stats = mesh.envoy.stats().unwrap();
    let counted = stats.lines().find(|line| {
        line.contains(COUNTER) && line.contains("web_places_orders") && line.ends_with(" 1")
    });
    assert!(counted.is_some(), "{stats}");
}

#[test]
fn metrics_describe_the_active_policy() {
    let before = seconds_since_1970();
    let mesh = Mesh::with_config(plugin_config(|config| {
        config.revision = Some("5f70bf18a086".to_owned());
    }));
    let metrics = mesh.metrics();
    let policy = ("peergate_policy", "shop_orders");
    let value = |name: &str| metrics.value(name, &[policy]);
    assert_eq!(
        value("peergate_policy_revision"),
        Some(104_937_847_038_086.0)
    );
    assert_eq!(value("peergate_policy_rules"), Some(9.0));
    let loaded = value("peergate_policy_loaded_timestamp_seconds").unwrap();
    assert!(
        (before..=seconds_since_1970()).contains(&loaded),
        "{loaded}"
    );
    let expiry = |rule| {
        let labels = [policy, ("peergate_rule", rule)];
        metrics.value("peergate_rule_expiry_timestamp_seconds", &labels)
    };
    // 2026-01-01.
    assert_eq!(expiry("old-reports"), Some(1_767_225_600.0));
    assert_eq!(expiry("future-reports"), None);
    let memory = metrics.value("peergate_memory_bytes", &[]).unwrap();
    assert!((65_536.0..16_777_216.0).contains(&memory), "{memory}");
    assert_eq!(
        metrics.value("peergate_config_rejections_total", &[]),
        Some(0.0)
    );
    assert_eq!(
        metrics.value("peergate_log_lines_omitted_total", &[]),
        Some(0.0)
    );
}

/// V8 collects garbage whenever a VM's memory grows. The allocator would grow it by one page at a
/// time.
#[test]
fn memory_grows_once_for_a_large_config() {
    let memory_with = |config: String| {
        let mesh = Mesh::with_config(config);
        let metrics = mesh.metrics();
        metrics.value("peergate_memory_bytes", &[]).unwrap()
    };
    let of_small = memory_with(plugin_config(|_| {}));
    let rules = |count: usize, rule: fn(usize) -> Value| -> String {
        let rules = (0..count).map(|number| serde_json::from_value(rule(number)).unwrap());
        plugin_config(|config| config.rules = rules.collect())
    };
    let large = [
        rules(
            35_000,
            |number| json!({"id": format!("r{number}"), "effect": "Allow"}),
        ),
        rules(10_000, |number| {
            json!({
                "id": format!("orders-{number}"),
                "effect": "Allow",
                "from": [{"serviceAccounts": [format!("shop/web-{number}")]}],
                "to": [{"methods": ["GET"], "paths": [format!("/orders/{number}/{{*}}")]}],
            })
        }),
        rules(5, |number| {
            let paths: Vec<_> = (0..40_000).map(|path| format!("/{path}")).collect();
            json!({"id": format!("r{number}"), "effect": "Deny", "to": [{"paths": paths}]})
        }),
        rules(1, |_| {
            let paths: Vec<_> = (0..3_000).map(|path| format!("/{path:01000}")).collect();
            json!({"id": "long", "effect": "Deny", "to": [{"paths": paths}]})
        }),
    ];
    for config in large {
        let length = config.len();
        let start: String = config.chars().skip(length / 2).take(100).collect();
        assert!(length > 1 << 20, "{length}: {start}");
        let quotes = config.matches('"').count();
        let as_number = |number| f64::from(u32::try_from(number).unwrap());
        let reserved = as_number(5 * length + 96 * quotes);
        let grown = memory_with(config) - of_small;
        // First the text, then one allocation for everything else.
        let pages = 4.0 * 65_536.0;
        let expected = reserved..=reserved + as_number(length) + pages;
        assert!(
            expected.contains(&grown),
            "{grown} is not in {expected:?}: {start}"
        );
    }
}

fn seconds_since_1970() -> f64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    f64::from(u32::try_from(since.as_secs()).unwrap())
}

#[test]
fn flat_names_need_no_tags() {
    let mesh = Mesh::launch(
        plugin_config(|config| config.reporting.metric_names = Some(MetricNames::Flat)),
        &[],
    );
    mesh.client_as(WEB).send(&Request::get("/orders")).unwrap();
    let metrics = mesh.metrics();
    let counter = "peergate_decisions_POLICY_shop_orders_RULE_web__places__orders_EFFECT_allow_\
                   REASON_allowed__by__rule_total";
    assert_eq!(metrics.value(counter, &[]), Some(1.0));
}

#[test]
fn in_learning_mode_requests_are_counted_by_caller_method_and_path() {
    let mesh = Mesh::with_config(plugin_config(|config| {
        config.reporting.learning = Some(LearningSpec {
            max_series: Some(3),
        });
    }));
    let web = mesh.client_as(WEB);
    for number in 0..20 {
        web.send(&Request::get(&format!("/orders/{number}?token=hunter2")))
            .unwrap();
    }
    let metrics = mesh.metrics();
    let observed = "peergate_observed_requests_total";
    let seen = metrics.value(
        observed,
        &[
            ("peergate_effect", "allow"),
            (
                "peergate_caller",
                "spiffe_3a_2f_2fcluster_2elocal_2fns_2fshop_2fsa_2fweb",
            ),
            ("peergate_method", "GET"),
            ("peergate_path", "_2forders_2f0"),
        ],
    );
    assert_eq!(seen, Some(1.0));
    // Three series for the worker, or for each of several, and one for all other requests.
    let total = metrics.value(observed, &[]);
    assert_eq!(total, Some(20.0));
    assert!(
        metrics
            .value(observed, &[("peergate_path", "-other-")])
            .is_some()
    );
    assert!(!mesh.envoy.stats().unwrap().contains("hunter2"));
}
