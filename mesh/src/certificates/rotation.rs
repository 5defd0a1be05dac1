//! Two authorities of a cluster → the steps from one to the other.

use std::path::PathBuf;

use policy_schema::timestamp::Timestamp;

use super::beside::beside;
use super::error::CertificatesError;
use super::expected::Expected;
use super::finding::FaultCode;
use super::inspect::inspect;
use super::plugged_in::PluggedIn;
use super::read::CA_CERT;

/// The authority of a cluster, and where it is kept.
#[derive(Debug)]
pub struct Kept {
    /// The folder with its files.
    pub folder: PathBuf,
    /// The authority.
    pub authority: PluggedIn,
}

/// What Istio's CA takes in a step. Before the next one every proxy must have taken it up.
#[derive(Debug)]
pub struct Step {
    /// Its name, which begins with its number.
    pub name: &'static str,
    /// What Istio's CA takes.
    pub authority: PluggedIn,
}

/// What an authority is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It may be why there is a rotation.
    InForce,
    ToCome,
}

/// The steps from `old` to `new`, at a time at which both are good: workloads trust both roots, then the new authority
/// signs, then workloads trust the new root alone.
pub fn steps(old: &Kept, new: &Kept, at: Timestamp) -> Result<[Step; 3], CertificatesError> {
    let (old_root, new_root) = (&old.authority.root_cert, &new.authority.root_cert);
    if old_root == new_root {
        return Err(CertificatesError::SameRoot);
    }
    let expected = Expected::at(at, 0);
    let signed_for = sound_identities(old, &expected, Standing::InForce)?;
    let to_sign_for = sound_identities(new, &expected, Standing::ToCome)?;
    if let (Some(from), Some(to)) = (signed_for.first(), to_sign_for.first())
        && signed_for != to_sign_for
    {
        return Err(CertificatesError::OtherTrustDomain {
            from: from.clone(),
            to: to.clone(),
        });
    }
    let both = format!("{old_root}{new_root}");
    let trusting_both = |signing: &Kept| signing.authority.clone().trusting(&both);
    let steps = [
        ("1-trust", trusting_both(old)),
        ("2-switch", trusting_both(new)),
        ("3-drop", new.authority.clone()),
    ];
    Ok(steps.map(|(name, authority)| Step { name, authority }))
}

/// The SPIFFE IDs of an authority, if it has any, once nothing is wrong with it.
fn sound_identities(
    kept: &Kept,
    expected: &Expected,
    standing: Standing,
) -> Result<Vec<String>, CertificatesError> {
    let Kept { folder, authority } = kept;
    let unsound = |what: &str, reason: &str| CertificatesError::UnsoundAuthority {
        folder: folder.clone(),
        reason: format!("`{what}`: {reason}"),
    };
    let chains = authority
        .chains()
        .map_err(|reason| CertificatesError::Unreadable {
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
            return Err(unsound(name, &found.message));
        }
        if name == CA_CERT
            && let Some(first) = inspected.first()
        {
            if first.is_authority != Some(true) {
                return Err(unsound(name, "it does not sign others"));
            }
            identities.clone_from(&first.identities);
        }
    }
    Ok(identities)
}
