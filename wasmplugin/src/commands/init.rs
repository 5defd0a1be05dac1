//! `peergate init`.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure};

use crate::input::is_stdin;
use crate::{output, report};

/// A first policy, to be changed.
const FIRST_POLICY: &str = include_str!("init/policy.yaml");

/// Write a first policy, with comments
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate init -o policy.yaml
  peergate init | peergate validate -f -")]
pub(crate) struct Args {
    /// Where to write it: a file, or `-` for stdout
    #[arg(short = 'o', long = "out", value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Overwrite the file if it exists
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let policy = FIRST_POLICY.as_bytes();
    if args.force || is_stdin(&args.out) {
        output::write(&args.out, policy.to_owned())?;
    } else {
        output::create(&args.out, policy)?;
    }
    if !is_stdin(&args.out) {
        let name = args.out.display();
        report::summary(format!("wrote {name}; next: peergate validate -f {name}"));
    }
    Ok(ExitStatus::Success)
}
