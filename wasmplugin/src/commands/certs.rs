//! `peergate certs`.

mod args;
mod cacerts;
mod cluster;
mod read;
mod root;
mod rotate;

use clap::Subcommand;
use peergate_fault::{ExitStatus, Failure};

/// Make roots and intermediates for Istio's CA, and read certificates
///
/// Workloads get their certificates from Istio's CA over SDS, which renews them by itself. What is left to people is
/// the CA's own: a root, which is kept offline, and an intermediate of it for each cluster.
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
