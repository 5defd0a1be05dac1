//! `peergate demo` runs on a real Envoy, and says whether everything came as expected.

#![expect(
    clippy::unwrap_used,
    reason = "what the tests share may fail as the tests do"
)]

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

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
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["ok"], true);
    assert_eq!(report["change"]["case"]["got"], "200 allowed");
    assert_eq!(
        report["change"]["added"]
            .as_array()
            .unwrap()
            .last()
            .unwrap(),
        "          paths: [/hipstershop.CartService/AddItem]"
    );
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

/// A demo that keeps running. It ends as by Ctrl-C with this value.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .args(["-INT", &self.0.id().to_string()])
            .status();
        let _ = self.0.wait();
    }
}

impl Kept {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peergate"));
        command.args(["demo", "--keep", "--output", "json", "--filter"]);
        command.arg(filter()).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn report(&mut self) -> Value {
        let stdout = self.0.stdout.as_mut().unwrap();
        let mut values = serde_json::Deserializer::from_reader(stdout).into_iter();
        values.next().unwrap().unwrap()
    }

    fn press_enter(&mut self) {
        self.0.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }
}

/// The end of a line that begins so, of what is yet to come.
fn rest_of_line(lines: &mut impl Iterator<Item = io::Result<String>>, start: &str) -> String {
    let mut lines = lines.map(Result::unwrap);
    lines
        .find_map(|line| line.strip_prefix(start).map(str::to_owned))
        .unwrap()
}

/// The counters of the report are those that a page of this project shows.
#[test]
fn the_page_shows_the_counters_that_the_demo_prints() {
    let filter = filter();
    let output = demo(&["--filter", filter.to_str().unwrap()]);
    let report = String::from_utf8(output.stdout).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/start.md")).unwrap();
    let is_counter = |line: &&str| line.trim_start().starts_with("peergate_decisions_total{");
    let shown: Vec<_> = page.lines().filter(is_counter).collect();
    assert!(!shown.is_empty());
    for line in shown {
        assert!(
            report.lines().any(|other| other == line),
            "{line}\n{report}"
        );
    }
}

#[test]
fn every_denial_is_explained_as_the_demo_says_and_a_change_of_the_documents_is_taken() {
    let mut demo = Kept::start();
    let report = demo.report();
    let mut lines = BufReader::new(demo.0.stderr.take().unwrap()).lines();
    let documents = rest_of_line(&mut lines, "  peergate explain ID -f ");
    let explain = |id: &str, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peergate"));
        command.args(["explain", id, "-f", &documents, "--output", "json"]);
        let output = command.args(more).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{errors}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let cases = report["cases"].as_array().unwrap();
    let denied: Vec<_> = cases
        .iter()
        .filter(|case| case["decision"].is_string())
        .collect();
    assert!(denied.len() >= 9, "{denied:?}");
    for case in &denied {
        let told = explain(case["decision"].as_str().unwrap(), &[]);
        assert!(told["revision"].is_string(), "{told}");
        if case["case"] == report["change"]["case"]["case"] {
            // The demo has written what allows it.
            assert_eq!(told["isAllowedByDocuments"], true);
        } else {
            let reason = told["reasonByDocuments"].as_str().unwrap();
            assert_eq!(case["got"], format!("403 {reason}"));
        }
    }

    let expired = denied
        .iter()
        .find(|case| case["got"] == "403 expired-rule")
        .unwrap();
    let told = explain(expired["decision"].as_str().unwrap(), &["--write", "--yes"]);
    assert!(
        told["patch"].as_str().unwrap().contains("notAfter"),
        "{told}"
    );
    demo.press_enter();
    rest_of_line(&mut lines, "The proxy got the documents");
}

/// Every command that the demo prints takes its documents, and says where one is wrong.
#[test]
fn what_the_demo_prints_works_with_its_documents() {
    let mut demo = Kept::start();
    demo.report();
    let mut lines = BufReader::new(demo.0.stderr.take().unwrap()).lines();
    let documents = rest_of_line(&mut lines, "  peergate explain ID -f ");
    let top = rest_of_line(&mut lines, "  peergate top ");
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peergate"));
        // Elsewhere than the examples.
        command.args(args).current_dir("/");
        command.output().unwrap()
    };
    let arguments: Vec<_> = top.split(' ').collect();
    let commands = [
        [&["top", "--once"], &*arguments].concat(),
        vec!["validate", "-f", &documents],
        vec!["render", "-f", &documents],
    ];
    for command in commands {
        let output = run(&command);
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{command:?}: {errors}");
        assert!(!text.contains("stale"), "{text}");
        // That an expired rule is still in the documents is a lesson; nothing else is.
        assert!(errors.contains("warning[expired-rule]"), "{errors}");
        assert_eq!(errors.matches("warning[").count(), 1, "{errors}");
    }
    let file = Path::new(&documents).join("cartservice.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("effect: Deny", "effect: Deni")).unwrap();
    demo.press_enter();
    rest_of_line(&mut lines, "error[unknown-value]");
    let place = rest_of_line(&mut lines, "  --> ");
    assert!(place.starts_with(file.to_str().unwrap()), "{place}");
    rest_of_line(&mut lines, "error: the demo's documents are not valid: ");
}

#[test]
fn a_file_that_is_not_a_module_is_refused_before_anything_starts() {
    let output = demo(&["--filter", "/etc/passwd"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(
        errors.contains("`/etc/passwd` is not a WebAssembly module"),
        "{errors}"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn says_how_to_get_a_filter_where_there_is_none() {
    let output = demo(&["--filter", "/nonexistent/filter.wasm"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("make filter"), "{errors}");
    assert!(output.stdout.is_empty());
}
