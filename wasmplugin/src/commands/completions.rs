//! `peergate completions`.

use clap_complete::Shell;
use peergate_fault::{ExitStatus, Failure};

use crate::output;

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate completions bash > /etc/bash_completion.d/peergate
  peergate completions zsh > \"${fpath[1]}/_peergate\"
  peergate completions fish > ~/.config/fish/completions/peergate.fish")]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, command: &mut clap::Command) -> Result<ExitStatus, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "peergate", &mut script);
    output::write_stdout(&script)?;
    Ok(ExitStatus::Success)
}
