//! `peergate certs rotate`.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure};
use peergate_mesh::certificates::rotation::{self, Step};

use super::cacerts;
use crate::{output, policies};

/// Prepare the rotation to another root: three `cacerts` Secrets to apply in order
///
/// 1-trust: workloads trust both roots, and the old one signs. 2-switch: the new one signs. 3-drop: workloads trust only
/// the new one. Go to the next step only when every proxy has received the current one; otherwise calls fail. Existing
/// files are never overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate certs rotate --from east/ --to east-new/ --out rotation/
  kubectl apply -f rotation/1-trust/cacerts.yaml
  kubectl rollout restart -n istio-system deployment/istiod
  # after 1-trust, every proxy must trust both roots; after 3-drop, only the new one:
  kubectl exec -n shop deploy/cart -c istio-proxy -- pilot-agent request GET certs |
    peergate certs read - --trusts east/root-cert.pem --trusts east-new/root-cert.pem

The page `certificates` of the documentation describes the whole rotation.

Exit status: also 3 if istiod could not start with one of the intermediates, or workloads would not
trust it.")]
pub(super) struct Args {
    /// Folder of the current intermediate, written by `peergate certs cluster`
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Folder of the new intermediate, issued by another root
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
