//! `peergate demo` runs on a real Envoy, and says whether everything came as expected.

#![expect(
    clippy::unwrap_used,
    reason = "what the tests share may fail as the tests do"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The module that `make filter` leaves.
fn filter() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/filter/peergate_filter.wasm");
    std::env::var_os("PEERGATE_FILTER").map_or(built, PathBuf::from)
}

fn demo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_peergate"))
        .arg("demo")
        .args(arguments)
        .env_remove("PEERGATE_FILTER")
        .output()
        .unwrap()
}

#[test]
fn every_call_comes_back_as_expected() {
    let filter = filter();
    let output = demo(&["--output", "json", "--filter", filter.to_str().unwrap()]);
    let report = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{report}\n{errors}");
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["ok"], true);
    let outcomes: Vec<_> = report["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["got"].as_str().unwrap())
        .collect();
    for outcome in [
        "200 allowed",
        "403 no-rule-matched",
        "403 expired-rule",
        "403 denied-by-rule",
        "403 foreign-trust-domain",
        "403 malformed-identity",
        "403 no-identity",
        "refused by TLS",
    ] {
        assert!(
            outcomes.contains(&outcome),
            "{outcome} is not shown: {outcomes:?}"
        );
    }
}

#[test]
fn says_how_to_get_a_filter_where_there_is_none() {
    let output = demo(&["--filter", "/nonexistent/filter.wasm"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("make filter"), "{errors}");
    assert!(output.stdout.is_empty());
}
