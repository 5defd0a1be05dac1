//! `peergate certs cluster`.

use std::path::PathBuf;
use std::time::SystemTime;

use peergate_fault::{ExitStatus, Failure};
use peergate_mesh::certificates::authority::Authority;
use peergate_mesh::certificates::plugged_in::PluggedIn;

use super::args::{days, parse_trust_domain};
use super::cacerts::{text, write};
use crate::output;

/// Create an intermediate CA for a cluster, and its `cacerts` Secret
///
/// istiod loads the Secret when it starts, and signs workload certificates with this intermediate CA. Writes ca-cert.pem, ca-key.pem,
/// cert-chain.pem and root-cert.pem, and cacerts.yaml with all of them. All files are readable only by their owner, and
/// existing files are never overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate certs cluster --root root/ --trust-domain cluster.local --cluster east --out east/
  kubectl apply -f east/cacerts.yaml && kubectl rollout restart -n istio-system deployment/istiod")]
pub(super) struct Args {
    /// Folder that `peergate certs root` wrote: root-cert.pem and root-key.pem
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// Trust domain of the mesh
    #[arg(long, value_name = "NAME", value_parser = parse_trust_domain)]
    trust_domain: String,
    /// Name of the cluster, for the certificate's subject
    #[arg(long, value_name = "NAME")]
    cluster: String,
    /// Validity in days, not beyond that of the root
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..))]
    days: u16,
    /// Namespace of istiod
    #[arg(short, long, value_name = "NAMESPACE", default_value = "istio-system")]
    namespace: String,
    /// Folder to write to, created if it does not exist
    #[arg(long, value_name = "DIR")]
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
