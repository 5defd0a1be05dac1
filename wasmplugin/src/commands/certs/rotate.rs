//! `peergate certs rotate`.

use std::path::{Path, PathBuf};

use peergate_fault::{ExitStatus, Failure};

use super::cacerts::PluggedIn;
use super::error::CertsError;
use crate::certificates::beside::beside;
use crate::certificates::finding::FaultCode;
use crate::certificates::inspect::{Expected, inspect};
use crate::certificates::read::CA_CERT;
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
    let (old, new) = (PluggedIn::read(&args.from)?, PluggedIn::read(&args.to)?);
    if old.root_cert == new.root_cert {
        return Err(CertsError::SameRoot.into());
    }
    let expected = Expected::at(policies::at_or_now(None), 0);
    let signed_for = sound_identities(&args.from, &old, &expected, Standing::InForce)?;
    let to_sign_for = sound_identities(&args.to, &new, &expected, Standing::ToCome)?;
    if let (Some(from), Some(to)) = (signed_for.first(), to_sign_for.first())
        && signed_for != to_sign_for
    {
        return Err(CertsError::OtherTrustDomain {
            from: from.clone(),
            to: to.clone(),
        }
        .into());
    }
    let both = format!("{}{}", old.root_cert, new.root_cert);
    let trusting_both = |signing: &PluggedIn| PluggedIn {
        root_cert: both.clone(),
        ..signing.clone()
    };
    let steps = [
        ("1-trust", trusting_both(&old)),
        ("2-switch", trusting_both(&new)),
        ("3-drop", new.clone()),
    ];
    for (name, step) in steps {
        let folder = args.out.join(name);
        output::create_folder(&folder)?;
        step.write(&folder, &args.namespace)?;
    }
    Ok(ExitStatus::Success)
}

/// What an authority is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It may be why there is a rotation.
    InForce,
    ToCome,
}

/// The SPIFFE IDs of the authority in a folder, if it has any, once nothing is wrong with it.
fn sound_identities(
    folder: &Path,
    authority: &PluggedIn,
    expected: &Expected,
    standing: Standing,
) -> Result<Vec<String>, Failure> {
    let unsound = |what: &str, reason: &str| CertsError::UnsoundAuthority {
        folder: folder.to_owned(),
        reason: format!("`{what}`: {reason}"),
    };
    let chains = authority
        .chains()
        .map_err(|reason| CertsError::Unreadable {
            name: folder.display().to_string(),
            reason,
        })?;
    let mut identities = Vec::new();
    for chain in &chains {
        let name = chain.name.as_deref().unwrap_or_default();
        let inspected = inspect(chain, expected);
        let own = inspected.iter().flat_map(|found| &found.findings);
        let own = own
            .filter(|found| standing == Standing::ToCome || found.code == FaultCode::BrokenChain);
        if let Some(found) = beside(chain, &chains).iter().chain(own).next() {
            return Err(unsound(name, &found.message).into());
        }
        if name == CA_CERT
            && let Some(first) = inspected.first()
        {
            if first.is_authority != Some(true) {
                return Err(unsound(name, "it does not sign others").into());
            }
            identities.clone_from(&first.identities);
        }
    }
    Ok(identities)
}
