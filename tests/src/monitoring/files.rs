//! The files under test.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A path relative to the repository's root.
pub fn path(from_root: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(from_root)
}

pub fn text(from_root: &str) -> String {
    let path = path(from_root);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn yaml(from_root: &str) -> Value {
    serde_saphyr::from_str(&text(from_root)).unwrap()
}

/// The rules in a Prometheus rule file, from all groups.
pub fn rules(from_root: &str) -> Vec<Value> {
    let file = yaml(from_root);
    let groups = file["groups"].as_array().unwrap().iter();
    groups
        .flat_map(|group| group["rules"].as_array().unwrap().clone())
        .collect()
}

/// Every dashboard, with its file name.
pub fn dashboards() -> Vec<(String, Value)> {
    let mut dashboards: Vec<(String, Value)> = fs::read_dir(path("monitoring/dashboards"))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let json = fs::read_to_string(entry.path()).unwrap();
            (name, serde_json::from_str(&json).unwrap())
        })
        .collect();
    dashboards.sort_by(|one, other| one.0.cmp(&other.0));
    dashboards
}

/// The queries of a dashboard's panels, each with the panel's title.
pub fn queries(dashboard: &Value) -> Vec<(&str, &str)> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    panels
        .flat_map(|panel| {
            let title = panel["title"].as_str().unwrap();
            let targets = panel["targets"].as_array().into_iter().flatten();
            targets.map(move |target| (title, target["expr"].as_str().unwrap()))
        })
        .collect()
}
