//! Every diagnostic as users see it: for each code, a document with the mistake and a golden file with the
//! rendered diagnostic.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use policy_schema::code::{self, Explained};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

/// A folder with a case. `…` becomes a text of 1 MiB, and a document with `NUMBER` becomes 300 documents.
fn case_folder(name: &str) -> tempfile::TempDir {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    let completed = tempfile::tempdir().unwrap();
    let text = text.replace('…', &"x".repeat(1 << 20));
    let documents = text.split("---\n").flat_map(|document| {
        let count = if document.contains("NUMBER") { 300 } else { 1 };
        (0..count).map(|number| document.replace("NUMBER", &number.to_string()))
    });
    let documents: Vec<_> = documents.collect();
    std::fs::write(completed.path().join(name), documents.join("---\n")).unwrap();
    completed
}

#[test]
fn every_code_has_exactly_one_case() {
    let cases: BTreeSet<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let codes = code::all().map(|known| format!("{}.yaml", known.code));
    assert_eq!(cases, codes.collect());
}

#[test]
fn every_case_reports_only_its_code() {
    for Explained { code, .. } in code::all() {
        let case = case_folder(&format!("{code}.yaml"));
        let output = Command::new(env!("CARGO_BIN_EXE_peergate"))
            .args(["validate", "--at", "2026-06-01T00:00:00Z", "-f"])
            .arg(format!("{code}.yaml"))
            .current_dir(case.path())
            .env_remove("CLICOLOR_FORCE")
            .output()
            .unwrap();
        let shown = String::from_utf8(output.stderr).unwrap();
        let titles: Vec<_> = shown
            .lines()
            .filter(|line| line.starts_with("error") || line.starts_with("warning"))
            .collect();
        assert!(!titles.is_empty(), "{code} is not reported");
        assert!(
            titles
                .iter()
                .all(|title| title.contains(&format!("[{code}]: "))),
            "{code}: {titles:?}"
        );
        insta::assert_snapshot!(code.as_str(), shown);
    }
}
