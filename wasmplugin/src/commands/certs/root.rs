//! `peergate certs root`.

use std::path::PathBuf;
use std::time::SystemTime;

use peergate_fault::{ExitStatus, Failure};
use peergate_mesh::certificates::authority;

use super::args::{days, parse_trust_domain};
use crate::{output, report};

/// Create a root: root-cert.pem and root-key.pem
///
/// Keep the key offline: anyone who has it can impersonate any workload in any cluster. Keys are readable only by their
/// owner, and existing files are never overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate certs root --trust-domain cluster.local --out root/")]
pub(super) struct Args {
    /// Trust domain of the mesh
    #[arg(long, value_name = "NAME", value_parser = parse_trust_domain)]
    trust_domain: String,
    /// Validity in days
    #[arg(long, value_name = "DAYS", default_value_t = 3650, value_parser = clap::value_parser!(u16).range(1..))]
    days: u16,
    /// Folder to write to, created if it does not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let now = SystemTime::now();
    let root = authority::root(&args.trust_domain, days(args.days), now)?;
    output::create_folder(&args.out)?;
    let files: [(&str, &[u8]); 2] = [
        ("root-cert.pem", root.certificate_pem.as_bytes()),
        ("root-key.pem", root.key_pem.as_bytes()),
    ];
    output::create_private(&args.out, &files)?;
    report::wrote_files(files.len(), &args.out);
    Ok(ExitStatus::Success)
}
