//! Whether each certificate of a chain may stand on the one that follows it (RFC 5280, section 6.1).

use x509_parser::certificate::X509Certificate;

use super::finding::{FaultCode, Finding};

/// What is wrong between the certificates of a chain, each with the position of the lower one. Of a
/// bundle of roots, where none stands on another, there is nothing to say.
pub(super) fn of_chain(chain: &[Option<X509Certificate<'_>>]) -> Vec<(usize, Finding)> {
    if chain.iter().flatten().all(is_self_signed) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    // Those that sign, and do not merely have a new key under the name they had.
    let mut authorities = 0;
    for (position, pair) in chain.windows(2).enumerate() {
        let [Some(certificate), Some(signer)] = pair else {
            continue;
        };
        if certificate.is_ca() && certificate.subject().as_raw() != certificate.issuer().as_raw() {
            authorities += 1;
        }
        if let Some(broken) = between(certificate, signer, authorities) {
            findings.push((position, broken));
        }
    }
    findings
}

fn between(
    certificate: &X509Certificate<'_>,
    signer: &X509Certificate<'_>,
    authorities: u32,
) -> Option<Finding> {
    let name = signer.subject();
    let why = if certificate
        .verify_signature(Some(signer.public_key()))
        .is_err()
    {
        format!("it is not signed by `{name}`, which follows it")
    } else if !signer.is_ca() {
        format!("it is signed by `{name}`, which is no authority")
    } else if path_length(signer).is_some_and(|most| authorities > most) {
        format!("`{name}` does not allow so many authorities below it")
    } else {
        return None;
    };
    Some(Finding::new(FaultCode::BrokenChain, why))
}

/// How many authorities may stand below this one.
fn path_length(authority: &X509Certificate<'_>) -> Option<u32> {
    let constraints = authority.basic_constraints().ok().flatten()?;
    constraints.value.path_len_constraint
}

pub(super) fn is_self_signed(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
        && certificate.verify_signature(None).is_ok()
}
