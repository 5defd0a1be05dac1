//! Metrics in a real Prometheus, scraped from a real Envoy with the filter, and the rules and
//! dashboards based on them.

use std::collections::BTreeSet;

use peergate_sandbox::wait::{TIMEOUT, wait_for};
use peergate_sandbox::{Error, Series};
use peergate_tests::monitoring::{Mesh, files, filled_in};
use policy_schema::telemetry::{Label, metric};
use serde_json::Value;

/// One mesh for all of these, because Prometheus needs seconds to have data.
#[test]
fn metrics_rules_and_dashboards_work_with_envoy() {
    let mesh = Mesh::start();
    every_metric_arrives_with_its_labels(&mesh);
    every_rule_is_evaluated_without_an_error(&mesh);
    every_query_of_every_dashboard_has_data(&mesh);
    every_variable_has_values(&mesh);
}

fn every_metric_arrives_with_its_labels(mesh: &Mesh) {
    for metric in metric::ALL {
        let series = mesh.wait_for(metric.name, || {
            let series = mesh.prometheus.query(metric.name).unwrap();
            (!series.is_empty()).then_some(series)
        });
        let labels = metric.labels.iter().copied().map(Label::tag);
        let added = ["__name__", "cluster", "instance", "job"].into_iter();
        let expected: BTreeSet<&str> = labels.chain(added).collect();
        for one in series {
            let labels: BTreeSet<&str> = one.labels.keys().map(String::as_str).collect();
            assert_eq!(labels, expected, "{one:?}");
        }
    }
}

fn every_rule_is_evaluated_without_an_error(mesh: &Mesh) {
    let groups = || -> Result<Vec<Value>, Error> {
        let answer = mesh.prometheus.get("/api/v1/rules")?;
        Ok(answer["groups"].as_array().cloned().unwrap_or_default())
    };
    let rules = wait_for("all rules", TIMEOUT, || {
        let groups = groups()?;
        let rules = groups.iter().flat_map(|group| group["rules"].as_array());
        let rules: Vec<Value> = rules.flatten().cloned().collect();
        Ok(rules
            .iter()
            .all(|rule| rule["health"] != "unknown")
            .then_some(rules))
    })
    .unwrap();
    let expected =
        files::rules("monitoring/rules.yaml").len() + files::rules("monitoring/alerts.yaml").len();
    assert_eq!(rules.len(), expected);
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule:#}");
    }
}

fn every_query_of_every_dashboard_has_data(mesh: &Mesh) {
    for (name, dashboard) in files::dashboards() {
        for (title, query) in files::queries(&dashboard) {
            let has_data = |query: &String| {
                let series = mesh.prometheus.query(query);
                let series = series.unwrap_or_else(|error| panic!("{name}, {title}: {error}"));
                series.iter().map(Series::value).any(f64::is_finite)
            };
            mesh.wait_for(&format!("{name}, {title}: {query}"), || {
                filled_in(query).iter().any(has_data).then_some(())
            });
        }
    }
}

fn every_variable_has_values(mesh: &Mesh) {
    for (name, dashboard) in files::dashboards() {
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        for variable in variables.iter().filter(|it| it["type"] == "query") {
            let query = variable["query"]["query"].as_str().unwrap();
            let arguments = query.strip_prefix("label_values(").unwrap();
            let (selector, label) = arguments
                .strip_suffix(')')
                .and_then(|arguments| arguments.rsplit_once(", "))
                .unwrap();
            let selector = &filled_in(selector)[0];
            mesh.wait_for(&format!("{name}: {query}"), || {
                let series = mesh.prometheus.query(selector).unwrap();
                let mut series = series.iter();
                series.find(|one| one.labels.contains_key(label)).map(drop)
            });
        }
    }
}
