//! `peergate demo` runs on a real Envoy and reports unexpected responses.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "what the tests share may fail as the tests do"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// The longest wait for a line of the demo.
const DEADLINE: Duration = Duration::from_mins(1);

/// The module that `make filter` builds.
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
fn every_demo_call_gets_the_expected_response() {
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
        "rejected by TLS",
    ] {
        assert!(
            outcomes.contains(&outcome),
            "{outcome} is not shown: {outcomes:?}"
        );
    }
}

/// A demo that keeps running. Dropping it stops the demo as Ctrl-C does.
struct RunningDemo(Child);

impl Drop for RunningDemo {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .args(["-INT", &self.0.id().to_string()])
            .status();
        let _ = self.0.wait();
    }
}

impl RunningDemo {
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

    /// The lines that the demo prints on stderr, as they come.
    fn stderr_lines(&mut self) -> Receiver<String> {
        let stderr = BufReader::new(self.0.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        lines
    }

    fn press_enter(&mut self) {
        self.0.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }
}

/// The rest of the next line that starts with `start`. Fails if it does not come in time.
fn rest_of_line(lines: &Receiver<String>, start: &str) -> String {
    loop {
        let line = lines.recv_timeout(DEADLINE);
        let line = line.unwrap_or_else(|reason| panic!("no line starts with `{start}`: {reason}"));
        if let Some(rest) = line.strip_prefix(start) {
            return rest.to_owned();
        }
    }
}

/// Pages show calls and counters of the demo report.
#[test]
fn pages_show_what_the_demo_prints() {
    let filter = filter();
    let output = demo(&["--filter", filter.to_str().unwrap()]);
    let report = String::from_utf8(output.stdout).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let pages = ["README.md", "docs/start.md"];
    let pages = pages.map(|name| std::fs::read_to_string(root.join(name)).unwrap());
    let pages = pages.concat();
    for start in ["   case  ", "✓  ", "  peergate_decisions_total{"] {
        let shown: Vec<_> = pages
            .lines()
            .filter(|line| line.starts_with(start))
            .collect();
        assert!(!shown.is_empty(), "{start}");
        for line in shown {
            assert!(
                report.lines().any(|other| other == line),
                "{line}\n{report}"
            );
        }
    }
}

#[test]
fn explains_every_denial_as_the_demo_prints_it_and_applies_document_changes() {
    let mut demo = RunningDemo::start();
    let report = demo.report();
    let lines = demo.stderr_lines();
    let documents = rest_of_line(&lines, "  peergate explain ID ");
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
        let explanation = explain(case["decision"].as_str().unwrap(), &[]);
        assert!(explanation["revision"].is_string(), "{explanation}");
        if case["case"] == report["change"]["case"]["case"] {
            // The demo has written a rule that allows this request.
            assert_eq!(explanation["isAllowedByDocuments"], true);
        } else {
            let reason = explanation["reasonByDocuments"].as_str().unwrap();
            assert_eq!(case["got"], format!("403 {reason}"));
        }
    }

    let expired = denied
        .iter()
        .find(|case| case["got"] == "403 expired-rule")
        .unwrap();
    let explanation = explain(expired["decision"].as_str().unwrap(), &["--write", "--yes"]);
    assert!(
        explanation["patch"].as_str().unwrap().contains("notAfter"),
        "{explanation}"
    );
    demo.press_enter();
    rest_of_line(&lines, "The proxy has the current documents.");
}

/// Every command that the demo prints accepts its documents, and reports where a document is invalid.
#[test]
fn commands_the_demo_prints_work_with_its_documents() {
    let mut demo = RunningDemo::start();
    demo.report();
    let lines = demo.stderr_lines();
    let documents = rest_of_line(&lines, "  peergate explain ID ");
    let top = rest_of_line(&lines, "  peergate top ");
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peergate"));
        // In another folder than the examples.
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
        // The expired rule in the documents is intended; nothing else is.
        assert!(errors.contains("warning[expired-rule]"), "{errors}");
        assert_eq!(errors.matches("warning[").count(), 1, "{errors}");
    }
    let file = Path::new(&documents).join("cartservice.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("effect: Deny", "effect: Deni")).unwrap();
    demo.press_enter();
    rest_of_line(&lines, "error[unknown-value]");
    let place = rest_of_line(&lines, "  --> ");
    assert!(place.starts_with(file.to_str().unwrap()), "{place}");
    rest_of_line(&lines, "error: the demo's documents are not valid: ");
}

#[test]
fn refuses_a_file_that_is_not_a_module_before_starting_anything() {
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
fn explains_how_to_get_a_missing_filter() {
    let output = demo(&["--filter", "/nonexistent/filter.wasm"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("make filter"), "{errors}");
    assert!(output.stdout.is_empty());
}
