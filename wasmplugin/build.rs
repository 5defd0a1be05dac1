//! Puts the commit into the program, for `peergate version`.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=PEERGATE_COMMIT");
    let commit = env::var("PEERGATE_COMMIT").ok().or_else(checked_out);
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let text = match commit {
        Some(commit) => format!("{version} ({commit})"),
        None => version,
    };
    println!("cargo::rustc-env=PEERGATE_VERSION={text}");
}

/// The commit of the working copy, if this is one.
fn checked_out() -> Option<String> {
    // Changes with every commit and checkout, also in a linked worktree.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    println!("cargo::rerun-if-changed={log}");
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
