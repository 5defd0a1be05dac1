//! The command line, run as a process: what it prints where, and how it ends.

#![expect(
    clippy::unwrap_used,
    reason = "what the tests share may fail as the tests do"
)]

mod against;
mod applied;
mod as_the_proxy;
mod before_rules;
mod certs;
mod conventions;
mod decide;
mod ends;
mod explain;
mod files;
mod hardened;
mod import;
mod install_values;
mod learn;
mod metrics;
mod monitoring;
mod other;
mod outside;
mod promote;
mod render;
mod validate;
mod verify;
mod without_filter;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The tests read a clock that stands still: a rule that expires must not break them later.
const NOW: &str = "2026-06-01T00:00:00Z";

/// A sound policy set with everything in it, in files of all kinds.
const POLICIES: &str = "policies";

/// A run that has ended.
struct Run {
    status: i32,
    stdout: String,
    stderr: String,
}

/// Runs the command line in the folder of the tests.
fn run(args: &[&str]) -> Run {
    run_with(args, "")
}

/// The same with something on stdin.
fn run_with(args: &[&str], stdin: &str) -> Run {
    finish(command(args), stdin)
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peergate"));
    command
        .args(args)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
        .env_remove("COLUMNS")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE");
    command
}

fn finish(mut command: Command, stdin: &str) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A run that refuses its arguments does not read its input.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    Run {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A generated text without the comment about its origin. JSON has none.
fn without_header(text: &str) -> &str {
    let lines = text.split_inclusive('\n').take(2);
    let header = lines.take_while(|line| line.starts_with("# peergate"));
    text.split_at(header.map(str::len).sum()).1
}

/// A run that must have succeeded without a message: what it printed.
fn stdout_of(args: &[&str]) -> String {
    let run = run(args);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{args:?}");
    run.stdout
}

/// Writes files into a new folder.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// The text of a path in a temporary folder.
fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const MESH: &str = include_str!("../policies/mesh.yaml");
const CART: &str = include_str!("../policies/cart.yaml");
