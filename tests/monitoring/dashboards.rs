//! Dashboards: what Grafana requires besides the queries.

use std::collections::BTreeSet;

use peergate_tests::monitoring::files;
use serde_json::Value;

const COLUMNS: u64 = 24;

fn panels(dashboard: &Value) -> &[Value] {
    dashboard["panels"].as_array().unwrap()
}

#[test]
fn no_two_dashboards_or_panels_share_an_id() {
    let dashboards = files::dashboards();
    let names: Vec<&str> = dashboards.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["fleet.json", "rule.json", "service.json"]);
    let uids: BTreeSet<&str> = dashboards
        .iter()
        .map(|(_, it)| it["uid"].as_str().unwrap())
        .collect();
    assert_eq!(uids.len(), dashboards.len());
    for (name, dashboard) in &dashboards {
        // Grafana assigns numbers to dashboards itself.
        assert!(dashboard.get("id").is_none(), "{name}");
        let ids = panels(dashboard).iter().map(|panel| panel["id"].as_u64());
        let ids: BTreeSet<u64> = ids.map(Option::unwrap).collect();
        assert_eq!(ids.len(), panels(dashboard).len(), "{name}");
    }
}

#[test]
fn every_panel_has_a_description_and_a_unit() {
    for (name, dashboard) in files::dashboards() {
        let shown = panels(&dashboard).iter().filter(|it| it["type"] != "row");
        for panel in shown {
            for text in ["title", "description"] {
                assert_ne!(panel[text].as_str().unwrap(), "", "{name}: {panel:#}");
            }
            // Columns of a table have separate units.
            if panel["type"] != "table" {
                let unit = &panel["fieldConfig"]["defaults"]["unit"];
                assert!(unit.is_string(), "{name}: {}", panel["title"]);
            }
        }
    }
}

/// If metrics have no label `cluster`, everything is shown.
#[test]
fn every_query_filters_by_cluster() {
    for (name, dashboard) in files::dashboards() {
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        let cluster = variables.iter().find(|it| it["name"] == "cluster").unwrap();
        assert_eq!(cluster["allValue"], ".*", "{name}");
        for (title, query) in files::queries(&dashboard) {
            // Each selector, which is in braces.
            let mut selectors = query.split('{').skip(1).peekable();
            assert!(selectors.peek().is_some(), "{name}, {title}: {query}");
            for selector in selectors {
                let chosen = selector.starts_with(r#"cluster=~"$cluster""#);
                assert!(chosen, "{name}, {title}: {query}");
            }
        }
    }
}

#[test]
fn every_query_uses_the_selected_data_source() {
    for (name, dashboard) in files::dashboards() {
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        assert_eq!(variables[0]["type"], "datasource", "{name}");
        let asked = panels(&dashboard).iter().filter(|it| it["type"] != "row");
        for panel in asked {
            let targets = panel["targets"].as_array().unwrap();
            for source in targets.iter().chain([panel]) {
                assert_eq!(source["datasource"]["uid"], "${datasource}", "{panel:#}");
            }
        }
    }
}

#[test]
fn every_variable_in_a_query_is_declared() {
    for (name, dashboard) in files::dashboards() {
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        let of_grafana = ["__rate_interval", "__range"];
        let known: Vec<&str> = variables
            .iter()
            .map(|variable| variable["name"].as_str().unwrap())
            .chain(of_grafana)
            .collect();
        for (title, query) in files::queries(&dashboard) {
            for used in query.split('$').skip(1) {
                let end = used.find(|it: char| !it.is_alphanumeric() && it != '_');
                let used = &used[..end.unwrap_or(used.len())];
                assert!(known.contains(&used), "{name}, {title}: ${used}");
            }
        }
    }
}

#[test]
fn panels_do_not_overlap() {
    for (name, dashboard) in files::dashboards() {
        let mut taken = BTreeSet::new();
        for panel in panels(&dashboard) {
            let [x, y, w, h] =
                ["x", "y", "w", "h"].map(|it| panel["gridPos"][it].as_u64().unwrap());
            assert!(x + w <= COLUMNS, "{name}: {}", panel["title"]);
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(
                    taken.insert(cell),
                    "{name}: {} covers another",
                    panel["title"]
                );
            }
        }
    }
}
