//! `peergate certs root`.

use std::path::PathBuf;
use std::time::SystemTime;

use peergate_fault::{ExitStatus, Failure};
use peergate_mesh::certificates::authority;

use super::args::{days, parse_trust_domain};
use crate::output;

/// Make a root: root-cert.pem and root-key.pem
///
/// Keep the key offline. Whoever has it is every workload of every cluster.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate certs root --trust-domain cluster.local -o root/

Files that exist are not overwritten; keys are readable by their owner alone.

Exit codes: 0 made; 1 files could not be written; 3 the arguments are invalid.")]
pub(super) struct Args {
    /// The trust domain
    #[arg(long, value_name = "NAME", value_parser = parse_trust_domain)]
    trust_domain: String,
    /// For how many days it is good
    #[arg(long, default_value_t = 3650, value_parser = clap::value_parser!(u16).range(1..))]
    days: u16,
    /// The folder to write to
    #[arg(short = 'o', long = "out", value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let now = SystemTime::now();
    let root = authority::root(&args.trust_domain, days(args.days), now)?;
    output::create_folder(&args.out)?;
    output::create_private(
        &args.out,
        &[
            ("root-cert.pem", root.certificate_pem.as_bytes()),
            ("root-key.pem", root.key_pem.as_bytes()),
        ],
    )?;
    Ok(ExitStatus::Success)
}
