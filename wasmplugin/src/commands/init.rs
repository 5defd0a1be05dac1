//! `peergate init`.

use peergate_fault::{ExitStatus, Failure};

use crate::out_args::OutFileArgs;
use crate::report;

/// A first policy, to be edited.
const FIRST_POLICY: &str = include_str!("init/policy.yaml");

/// Write a first Mesh and policy, with comments
///
/// Everything in it starts in shadow, so that applying it denies nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate init --out policy.yaml
  peergate init | peergate validate -")]
pub(crate) struct Args {
    #[command(flatten)]
    out: OutFileArgs,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    args.out.write(FIRST_POLICY.as_bytes().to_owned())?;
    if let Some(file) = args.out.file() {
        report::summary(format!("next: peergate validate {}", file.display()));
    }
    Ok(ExitStatus::Success)
}
