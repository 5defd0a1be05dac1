//! Recording rules and alerts are valid, tested and documented.

use std::collections::BTreeSet;

use peergate_sandbox::PrometheusTools;
use peergate_tests::monitoring::files;
use serde_json::Value;

const ALERTS: &str = "monitoring/alerts.yaml";
const RULES: &str = "monitoring/rules.yaml";

/// The prefix of descriptions. Empty if metrics have no label `cluster`.
const OF_CLUSTER: &str = "{{ with $labels.cluster }}Cluster {{ . }}: {{ end -}}";

/// Runs `promtool`, and panics with its output if it fails.
fn promtool(args: &[&str]) {
    let output = PrometheusTools::find()
        .promtool(&files::path("monitoring"), args)
        .unwrap_or_else(|error| panic!("{error}; `make test` downloads it and sets its path"));
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn promtool_accepts_the_rules() {
    promtool(&["check", "rules", "rules.yaml", "alerts.yaml"]);
}

#[test]
fn every_alert_fires_when_it_should() {
    promtool(&["test", "rules", "rules_test.yaml"]);
}

#[test]
fn every_alert_is_tested_firing_and_silent() {
    let tests = files::yaml("monitoring/rules_test.yaml");
    let cases = tests["tests"].as_array().unwrap().iter();
    let cases: Vec<&Value> = cases
        .flat_map(|test| test["alert_rule_test"].as_array().unwrap())
        .collect();
    let tested = |fires: bool| -> BTreeSet<&str> {
        let of_kind = cases
            .iter()
            .filter(|case| case.get("exp_alerts").is_some() == fires);
        of_kind
            .map(|case| case["alertname"].as_str().unwrap())
            .collect()
    };
    let alerts = files::rules(ALERTS);
    let alerts: BTreeSet<&str> = alerts
        .iter()
        .map(|alert| alert["alert"].as_str().unwrap())
        .collect();
    assert_eq!(tested(true), alerts);
    assert_eq!(tested(false), alerts);
}

#[test]
fn every_alert_has_a_severity_and_a_runbook() {
    let docs = files::text("docs/monitoring.md");
    for alert in files::rules(ALERTS) {
        let name = alert["alert"].as_str().unwrap();
        let severity = alert["labels"]["severity"].as_str().unwrap();
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{name}"
        );
        for annotation in ["summary", "description"] {
            assert!(alert["annotations"][annotation].is_string(), "{name}");
        }
        let description = alert["annotations"]["description"].as_str().unwrap();
        assert!(description.starts_with(OF_CLUSTER), "{name}: {description}");
        let section = format!(
            "{}/blob/main/docs/monitoring.md#{}",
            env!("CARGO_PKG_REPOSITORY"),
            name.to_lowercase()
        );
        assert_eq!(alert["annotations"]["runbook_url"], section.as_str());
        let heading = format!("\n### {name}\n");
        assert!(docs.contains(&heading), "docs/monitoring.md has no {name}");
    }
}

/// Two clusters may have policies with the same name.
#[test]
fn sums_are_per_cluster() {
    for rule in files::rules(ALERTS).into_iter().chain(files::rules(RULES)) {
        let expression = rule["expr"].as_str().unwrap();
        for keyword in [" by (", " on ("] {
            for labels in expression.split(keyword).skip(1) {
                assert!(labels.starts_with("cluster"), "{expression}");
            }
        }
    }
}

/// Labels extracted from flat names have `__` in place of `-`.
#[test]
fn label_matchers_do_not_depend_on_dashes() {
    let dashboards = files::dashboards();
    let queries = dashboards.iter().flat_map(|(_, it)| files::queries(it));
    let queries = queries.map(|(_, query)| query.to_owned());
    let rules = files::rules(ALERTS).into_iter().chain(files::rules(RULES));
    let rules = rules.map(|rule| rule["expr"].as_str().unwrap().to_owned());
    for expression in queries.chain(rules) {
        // Every second piece is quoted; `-|NONE` are both spellings of "no rule".
        let quoted = expression.split('"').skip(1).step_by(2);
        for text in quoted.filter(|text| *text != "-|NONE") {
            assert!(!text.contains('-'), "{expression}");
        }
    }
}
