//! Checks that each certificate of a chain is validly issued by the next (RFC 5280, section 6.1).

use x509_parser::certificate::X509Certificate;

use super::finding::{FaultCode, Finding};

/// Checks a chain. Findings have the position of the issued certificate. A bundle of roots has no findings.
pub(super) fn check_chain(chain: &[Option<X509Certificate<'_>>]) -> Vec<(usize, Finding)> {
    if chain.iter().flatten().all(is_self_signed) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    // Issuers, excluding roots with a new key under the same name.
    let mut authorities = 0;
    for (position, pair) in chain.windows(2).enumerate() {
        let [Some(certificate), Some(signer)] = pair else {
            continue;
        };
        if certificate.is_ca() && certificate.subject().as_raw() != certificate.issuer().as_raw() {
            authorities += 1;
        }
        if let Some(broken) = check_issuer(certificate, signer, authorities) {
            findings.push((position, broken));
        }
    }
    findings
}

fn check_issuer(
    certificate: &X509Certificate<'_>,
    signer: &X509Certificate<'_>,
    authorities: u32,
) -> Option<Finding> {
    let name = signer.subject();
    let why = if certificate
        .verify_signature(Some(signer.public_key()))
        .is_err()
    {
        format!("not signed by the next certificate `{name}`")
    } else if !signer.is_ca() {
        format!("signed by `{name}`, which is not a CA")
    } else if path_length(signer).is_some_and(|most| authorities > most) {
        format!("the path length of `{name}` is exceeded")
    } else {
        return None;
    };
    Some(Finding::new(FaultCode::BrokenChain, why))
}

/// The path length constraint of a CA.
fn path_length(authority: &X509Certificate<'_>) -> Option<u32> {
    let constraints = authority.basic_constraints().ok().flatten()?;
    constraints.value.path_len_constraint
}

pub(super) fn is_self_signed(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
        && certificate.verify_signature(None).is_ok()
}
