//! `peergate certs`.

mod args;
mod cacerts;
mod cluster;
mod read;
mod root;
mod rotate;

use clap::Subcommand;
use peergate_fault::{ExitStatus, Failure};

/// Create roots and intermediates for Istio's CA, and inspect certificates
///
/// Istio's CA issues and renews the certificates of workloads. You manage the CA's own certificates: an offline root,
/// and an intermediate for each cluster.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Root(root::Args),
    Cluster(cluster::Args),
    Rotate(rotate::Args),
    Read(read::Args),
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    match &args.command {
        Command::Root(args) => root::run(args),
        Command::Cluster(args) => cluster::run(args),
        Command::Rotate(args) => rotate::run(args),
        Command::Read(args) => read::run(args),
    }
}
