//! Parses dashboards with Grafana's own types. Grafana itself accepts any JSON and ignores unknown
//! fields.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use peergate_tests::monitoring::files;

/// The errors for these files, if any.
fn complaints(dashboards: &[PathBuf]) -> Option<String> {
    let tools = env::var_os("PEERGATE_MONITORING_TOOLS").unwrap_or_else(|| {
        panic!("set PEERGATE_MONITORING_TOOLS to the output of `scripts/monitoring-tools`, as `make test` does")
    });
    let output = Command::new(Path::new(&tools).join("dashboards"))
        .args(dashboards)
        .output()
        .unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    (!output.status.success()).then_some(complaints)
}

#[test]
fn grafana_knows_every_field_of_the_dashboards() {
    let dashboards = files::dashboards();
    let names = dashboards.iter().map(|(name, _)| name);
    let paths: Vec<PathBuf> = names
        .map(|name| files::path(&format!("monitoring/dashboards/{name}")))
        .collect();
    assert_eq!(complaints(&paths), None);
}

#[test]
fn finds_unknown_fields_in_dashboards_panels_and_queries() {
    let good = files::text("monitoring/dashboards/rule.json");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rule.json");
    for (sound, fault, expected) in [
        (r#""refresh":"#, r#""refreshes":"#, "refreshes"),
        (r#""keepTime": true"#, r#""keepTime": "yes""#, "keepTime"),
        (r#""noValue":"#, r#""noValues":"#, "noValues"),
        (r#""textMode":"#, r#""texts":"#, "texts"),
        (r#""fillOpacity":"#, r#""opacity":"#, "opacity"),
        (
            r#""stacking": {"mode": "normal"}"#,
            r#""stacking": 1"#,
            "stacking",
        ),
        (r#""sortBy":"#, r#""sort":"#, "sort"),
        (r#""expr":"#, r#""query":"#, "query"),
    ] {
        fs::write(&path, good.replace(sound, fault)).unwrap();
        let complaints = complaints(std::slice::from_ref(&path)).unwrap_or_default();
        assert!(complaints.contains(expected), "{fault}: {complaints}");
    }
}
