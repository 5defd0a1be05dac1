//! What real proxies count, `peergate promote` judges and `peergate top` shows, through a real Prometheus or without one.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what the tests share may fail as the tests do"
)]

mod exporter;
#[path = "../support/filter.rs"]
mod filter;
mod flat;
mod learning;
mod mesh;
mod promote;
mod revisions;
#[path = "../support/scraping.rs"]
mod scraping;
mod together;
mod top;

use std::process::Command;

/// A run that has ended.
struct Run {
    status: i32,
    stdout: String,
    stderr: String,
}

/// Runs the command line.
fn run(args: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_peergate"))
        .args(args)
        .env_remove("CLICOLOR_FORCE")
        .output()
        .unwrap();
    Run {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
