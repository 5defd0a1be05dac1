//! The command line as a process.

use std::process::Command;

/// A finished run.
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the command line.
pub(crate) fn run(args: &[&str]) -> Run {
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
