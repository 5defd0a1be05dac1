//! `peergate certs cluster`.

use std::path::PathBuf;
use std::time::SystemTime;

use peergate_fault::{ExitStatus, Failure};
use peergate_mesh::certificates::authority::Authority;
use peergate_mesh::certificates::plugged_in::PluggedIn;

use super::args::{days, parse_trust_domain};
use super::cacerts::{text, write};
use crate::output;

/// Make an intermediate of a root for a cluster, and the Secret `cacerts` with it
///
/// Istio's CA takes it when it starts, and issues by it from then on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate certs cluster --root root/ --trust-domain cluster.local --cluster east -o east/
  kubectl apply -f east/cacerts.yaml && kubectl rollout restart -n istio-system deployment/istiod

Writes ca-cert.pem, ca-key.pem, cert-chain.pem and root-cert.pem, and cacerts.yaml
with all of them. Files that exist are not overwritten; all of it is readable by its
owner alone.

Exit codes: 0 made; 1 files could not be read or written; 3 the root or the arguments are invalid.")]
pub(super) struct Args {
    /// The folder with root-cert.pem and root-key.pem
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// The trust domain
    #[arg(long, value_name = "NAME", value_parser = parse_trust_domain)]
    trust_domain: String,
    /// The cluster, by a name for people
    #[arg(long, value_name = "NAME")]
    cluster: String,
    /// For how many days it is good
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..))]
    days: u16,
    /// The namespace of istiod
    #[arg(long, default_value = "istio-system")]
    namespace: String,
    /// The folder to write to
    #[arg(short = 'o', long = "out", value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let root = Authority {
        certificate_pem: text(&args.root, "root-cert.pem")?,
        key_pem: text(&args.root, "root-key.pem")?,
    };
    let lifetime = days(args.days);
    let now = SystemTime::now();
    let authority =
        PluggedIn::new_intermediate(root, &args.trust_domain, &args.cluster, lifetime, now)?;
    output::create_folder(&args.out)?;
    write(&args.out, &authority, &args.namespace)?;
    Ok(ExitStatus::Success)
}
