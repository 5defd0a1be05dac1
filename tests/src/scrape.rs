//! Metrics of a proxy, and how to parse them.

use std::fmt::Write;

use peergate_insight::traffic::from_proxy;
use peergate_insight::traffic::reading::Reading;
use policy_schema::timestamp::Timestamp;

/// A point in time.
pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

/// The metrics of a proxy with these counts.
pub fn scrape(orders: u32, denied: u32, shadow: u32) -> String {
    let mut text = String::new();
    for (policy, rule, effect, reason, count) in [
        ("shop_orders", "web", "allow", "allowed-by-rule", orders),
        ("shop_orders", "-", "deny", "no-rule-matched", denied),
        ("shop_orders", "-", "deny", "no-identity", 0),
        (
            "shop_orders",
            "no-reports",
            "shadow_deny",
            "denied-by-rule",
            shadow,
        ),
        ("shop_orders", "seen", "audit", "matched-by-rule", orders),
        ("shop_cart_v1", "web", "allow", "allowed-by-rule", 7),
    ] {
        let _ = writeln!(
            text,
            "peergate_decisions_total{{peergate_policy=\"{policy}\",peergate_rule=\"{rule}\",peergate_effect=\"{effect}\",peergate_reason=\"{reason}\"}} {count}"
        );
    }
    for (rule, effect, caller, method, path, count) in [
        (
            "web",
            "allow",
            "spiffe_3a_2f_2fcluster_2elocal_2fns_2fshop_2fsa_2fweb",
            "GET",
            "_2forders",
            orders,
        ),
        ("-", "deny", "-", "GET", "_2forders", 3),
        ("-", "deny", "-other-", "-other-", "-other-", denied),
    ] {
        let _ = writeln!(
            text,
            "peergate_observed_requests_total{{peergate_policy=\"shop_orders\",peergate_rule=\"{rule}\",peergate_effect=\"{effect}\",peergate_caller=\"{caller}\",peergate_method=\"{method}\",peergate_path=\"{path}\"}} {count}"
        );
    }
    text += "\
peergate_policy_revision{peergate_policy=\"shop_orders\"} 1250999896491
peergate_policy_revision{peergate_policy=\"shop_cart_v1\"} 1
peergate_rule_expiry_timestamp_seconds{peergate_policy=\"shop_orders\",peergate_rule=\"web\"} 1780531200
peergate_rule_expiry_timestamp_seconds{peergate_policy=\"shop_orders\",peergate_rule=\"kept\"} 0
peergate_plane_comparisons_total{peergate_policy=\"shop_orders\",peergate_verdicts=\"both-allow\"} 40
peergate_plane_comparisons_total{peergate_policy=\"shop_orders\",peergate_verdicts=\"only-rbac-denies\"} 2
peergate_config_rejections_total{} 1
peergate_log_lines_omitted_total{} 0
peergate_memory_bytes{} 2359296
envoy_server_live{} 1
";
    text
}

/// The metrics of a proxy over two seconds.
pub fn reading() -> Reading {
    let earlier = from_proxy::read(&scrape(40, 5, 0), at("2026-06-01T00:00:00Z")).expect("metrics");
    let now = from_proxy::read(&scrape(55, 5, 3), at("2026-06-01T00:00:02Z")).expect("metrics");
    now.since(&earlier)
}
