//! `peergate top` shows the counters.

use serde_json::{Value, json};

use super::mesh::{Mesh, Policies};
use super::run;
use super::scraped::after_allowing;

/// The row that starts with these cells.
pub(crate) fn row<'t>(text: &'t str, begin: &[&str]) -> Vec<&'t str> {
    let rows = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut found = rows.filter(|row| row.starts_with(begin));
    found
        .next()
        .unwrap_or_else(|| panic!("no {begin:?}:\n{text}"))
}

#[test]
fn shows_a_proxy_from_its_own_counters() {
    let policies = Policies::new();
    let mesh = Mesh::start(&policies);
    mesh.ask("web", "/orders", 7);
    mesh.ask("web", "/reports", 2);
    mesh.ask("jobs", "/orders", 3);
    let url = format!("http://{}", mesh.admin());
    let shown = run(&[
        "top",
        "--proxy",
        &url,
        "--interval",
        "100ms",
        "--once",
        "-f",
        &policies.name(),
    ]);
    assert_eq!(shown.status, 0, "{}", shown.stderr);
    assert!(
        shown.stdout.contains(": 1 proxy, 1 policy"),
        "{}",
        shown.stdout
    );
    assert_eq!(
        row(&shown.stdout, &["shop/orders", "web"]),
        [
            "shop/orders",
            "web",
            "0",
            "-",
            "-",
            "9",
            "0",
            "0",
            "allowed-by-rule",
            "shop/web",
            "team-web"
        ]
    );
    assert_eq!(
        row(&shown.stdout, &["shop/orders", "-"])[2..],
        ["-", "0", "-", "0", "3", "0", "no-rule-matched"]
    );
    assert_eq!(
        row(&shown.stdout, &["shop/orders", "no-reports"])[2..9],
        ["-", "-", "0", "0", "0", "2", "denied-by-rule"]
    );
    let json = run(&["top", "--proxy", &url, "--interval", "100ms", "-o", "json"]);
    let snapshot: Value = serde_json::from_str(&json.stdout).expect(&json.stderr);
    let rules = snapshot["rules"].as_array().unwrap();
    let denied = rules.iter().find(|rule| rule["rule"].is_null()).unwrap();
    let expected = json!({"total": 3, "perSecond": 0.0});
    assert_eq!(
        (&denied["denied"], &snapshot["proxies"]),
        (&expected, &json!(1))
    );
}

#[test]
fn shows_all_proxies_from_prometheus() {
    let policies = Policies::new();
    let (_mesh, prometheus) = after_allowing(&policies, 7);
    let url = prometheus.url();
    let shown = run(&[
        "top",
        "--prometheus",
        &url,
        "--policy",
        "shop/orders",
        "--once",
    ]);
    assert_eq!(shown.status, 0, "{}", shown.stderr);
    assert!(
        shown.stdout.contains(": 1 proxy, 1 policy"),
        "{}",
        shown.stdout
    );
    let web = row(&shown.stdout, &["shop/orders", "web"]);
    assert_eq!(web[5..], ["7", "0", "0", "allowed-by-rule"]);
    // Seven requests in the last two minutes.
    let rate: f64 = web[2].parse().unwrap();
    assert!(rate > 0.0, "{web:?}");
}
