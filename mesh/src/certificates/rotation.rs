//! The steps to rotate the CA of a cluster.

use std::path::PathBuf;

use policy_schema::timestamp::Timestamp;

use super::error::CertificatesError;
use super::expected::Expected;
use super::finding::FaultCode;
use super::inspect::inspect;
use super::plugged_in::PluggedIn;
use super::read::CA_CERT;
use super::siblings::check_siblings;

/// The CA of a cluster and its location.
#[derive(Debug)]
pub struct Kept {
    /// The folder with the files.
    pub folder: PathBuf,
    /// The CA.
    pub authority: PluggedIn,
}

/// The CA files of a step. All proxies must use them before the next step.
#[derive(Debug)]
pub struct Step {
    /// The name, starting with the step number.
    pub name: &'static str,
    /// The CA files.
    pub authority: PluggedIn,
}

/// The role of a CA in a rotation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RotationRole {
    /// The current CA, whose faults may be the reason of the rotation.
    Current,
    New,
}

/// The steps from `old` to `new`: workloads trust both roots, then the new CA signs, then workloads only trust the new root. Both
/// CAs must be valid at `at`.
pub fn steps(old: &Kept, new: &Kept, at: Timestamp) -> Result<[Step; 3], CertificatesError> {
    let (old_root, new_root) = (&old.authority.root_cert, &new.authority.root_cert);
    if old_root == new_root {
        return Err(CertificatesError::SameRoot);
    }
    let expected = Expected::at(at, 0);
    let signed_for = checked_identities(old, &expected, RotationRole::Current)?;
    let to_sign_for = checked_identities(new, &expected, RotationRole::New)?;
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

/// Checks a CA, and returns its SPIFFE IDs if it has any.
fn checked_identities(
    kept: &Kept,
    expected: &Expected,
    role: RotationRole,
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
        let own =
            own.filter(|found| role == RotationRole::New || found.code == FaultCode::BrokenChain);
        if let Some(found) = check_siblings(chain, &chains).iter().chain(own).next() {
            return Err(unsound(name, &found.message));
        }
        if name == CA_CERT
            && let Some(first) = inspected.first()
        {
            if first.is_authority != Some(true) {
                return Err(unsound(name, "not a CA certificate"));
            }
            identities.clone_from(&first.identities);
        }
    }
    Ok(identities)
}
