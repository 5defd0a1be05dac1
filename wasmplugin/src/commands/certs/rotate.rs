//! `peergate certs rotate`.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure};
use peergate_mesh::certificates::rotation::{self, Step};

use super::cacerts;
use crate::{output, policies};

/// Write the three steps from one root to another, each as the Secret `cacerts`
///
/// 1-trust: workloads trust both roots, and the old one signs. 2-switch: the new one signs. 3-drop: workloads trust the
/// new one alone. Between two steps every proxy must have taken up the one before, or calls fail.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate certs rotate --from east/ --to east-new/ -o rotation/
  kubectl apply -f rotation/1-trust/cacerts.yaml
  kubectl rollout restart -n istio-system deployment/istiod
  # every proxy, before the next step:
  kubectl exec -n shop deploy/cart -c istio-proxy -- curl -s localhost:15000/certs |
    peergate certs read - --trusts east/root-cert.pem --trusts east-new/root-cert.pem

docs/certificates.md has all of it. Files that exist are not overwritten.

Exit codes: 0 written; 1 files could not be read or written; 3 istiod would not start with a folder's authority,
or workloads would not trust it.")]
pub(super) struct Args {
    /// The folder of the cluster's authority that is in force, as `peergate certs cluster` wrote it
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The folder of the one that takes its place, of another root
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The namespace of istiod
    #[arg(long, default_value = "istio-system")]
    namespace: String,
    /// The folder to write to
    #[arg(short = 'o', long = "out", value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let (old, new) = (cacerts::read(&args.from)?, cacerts::read(&args.to)?);
    for Step { name, authority } in rotation::steps(&old, &new, policies::at_or_now(None))? {
        let folder = args.out.join(name);
        output::create_folder(&folder)?;
        cacerts::write(&folder, &authority, &args.namespace)?;
    }
    Ok(ExitStatus::Success)
}
