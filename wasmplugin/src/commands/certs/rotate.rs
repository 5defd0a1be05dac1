//! `peergate certs rotate`.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure};
use peergate_mesh::certificates::rotation::{self, Step};

use super::cacerts;
use crate::{output, policies};

/// Prepare the rotation to another root: three `cacerts` Secrets to apply in order
///
/// 1-trust: workloads trust both roots, and the old one signs. 2-switch: the new one signs. 3-drop: workloads trust only
/// the new one. Before each step, every proxy must have the previous one, or calls fail. Existing files are never
/// overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate certs rotate --from east/ --to east-new/ --out rotation/
  kubectl apply -f rotation/1-trust/cacerts.yaml
  kubectl rollout restart -n istio-system deployment/istiod
  # check every proxy before the next step:
  kubectl exec -n shop deploy/cart -c istio-proxy -- curl -s localhost:15000/certs |
    peergate certs read - --trusts east/root-cert.pem --trusts east-new/root-cert.pem

The page `certificates` of the documentation describes the whole rotation.

Exit status: 3 also if istiod would not start with an authority, or workloads would not trust it.")]
pub(super) struct Args {
    /// Folder of the current authority, written by `peergate certs cluster`
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Folder of the new authority, issued by another root
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Namespace of istiod
    #[arg(short, long, value_name = "NAMESPACE", default_value = "istio-system")]
    namespace: String,
    /// Folder to write to, created if it does not exist
    #[arg(long, value_name = "DIR")]
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
