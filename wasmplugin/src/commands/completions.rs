//! `peergate completions`.

use peergate_fault::{ExitStatus, Failure};

use crate::complete::{self, Shell};
use crate::output;

/// Print the completion script of a shell
///
/// The script asks Peergate for completions, so it also completes the names of policies and rules in the documents on
/// the command line, and the codes of `explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  source <(peergate completions bash)
  peergate completions bash > /etc/bash_completion.d/peergate
  peergate completions zsh > \"${fpath[1]}/_peergate\"
  peergate completions fish > ~/.config/fish/completions/peergate.fish")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    output::write_stdout(&complete::script(args.shell)?)?;
    Ok(ExitStatus::Success)
}
