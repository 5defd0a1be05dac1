//! Inspects certificates: their properties and findings.

use policy_schema::identity::{SCHEME, SpiffeId, is_trust_domain};
use serde::Serialize;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

use super::expected::Expected;
use super::finding::{FaultCode, Finding};
use super::read::{Certificates, Chain, ReportedCertificate, moment};
use super::signing;

/// Shorter RSA keys and curves are weak (NIST SP 800-57, part 1, table 2).
const MIN_RSA_BITS: usize = 2048;
const MIN_CURVE_BITS: usize = 256;

/// Signature algorithms over hashes with known collisions, by OID.
const WEAK_SIGNATURES: [(&str, &str); 4] = [
    ("1.2.840.113549.1.1.4", "MD5 with RSA"),
    ("1.2.840.113549.1.1.5", "SHA-1 with RSA"),
    ("1.2.840.10045.4.1", "SHA-1 with ECDSA"),
    ("1.2.840.10040.4.3", "SHA-1 with DSA"),
];

/// The properties and findings of a certificate.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspected {
    /// None where a proxy does not tell.
    pub subject: Option<String>,
    /// None where a proxy does not tell.
    pub issuer: Option<String>,
    /// The serial number in hexadecimal. Empty if unreadable.
    pub serial: String,
    /// The URI SANs. A workload has exactly one.
    pub identities: Vec<String>,
    /// The start of validity, in RFC 3339.
    pub not_before: String,
    /// The end of validity, in RFC 3339.
    pub not_after: String,
    /// Whole days until expiry. Negative once expired.
    pub days_left: i64,
    /// The type and size of the key. None for certificates reported by proxies.
    pub key: Option<String>,
    /// Whether it is a CA certificate. None if unreadable.
    pub is_authority: Option<bool>,
    /// Findings about this certificate.
    pub findings: Vec<Finding>,
}

/// Inspects the certificates of a chain.
pub(crate) fn inspect(chain: &Chain, expected: &Expected) -> Vec<Inspected> {
    match &chain.certificates {
        Certificates::Reported {
            is_authority,
            certificates,
        } => {
            let reported = certificates.iter();
            reported
                .map(|certificate| inspect_reported(certificate, *is_authority, expected))
                .collect()
        }
        Certificates::Whole(certificates) => {
            let parsed: Vec<_> = certificates
                .iter()
                .map(|der| {
                    X509Certificate::from_der(der)
                        .ok()
                        .map(|(_, parsed)| parsed)
                })
                .collect();
            let mut inspected: Vec<_> = parsed
                .iter()
                .map(|certificate| match certificate {
                    Some(certificate) => inspect_certificate(certificate, expected),
                    None => unreadable(),
                })
                .collect();
            for (position, broken) in signing::check_chain(&parsed) {
                if let Some(inspected) = inspected.get_mut(position) {
                    inspected.findings.push(broken);
                }
            }
            inspected
        }
    }
}

/// Whether a chain belongs to a workload: its first certificate is not a CA and has a SPIFFE ID.
pub(crate) fn is_workload_chain(chain: &Chain) -> bool {
    let has_id = |identities: &[String]| identities.iter().any(|name| name.starts_with(SCHEME));
    match &chain.certificates {
        Certificates::Reported {
            is_authority,
            certificates,
        } => {
            let names = certificates
                .iter()
                .flat_map(|reported| &reported.subject_alt_names);
            let identities: Vec<_> = names.filter_map(|name| name.uri.clone()).collect();
            !is_authority && has_id(&identities)
        }
        Certificates::Whole(certificates) => {
            let first = certificates.first();
            let first = first.and_then(|der| X509Certificate::from_der(der).ok());
            first.is_some_and(|(_, first)| !first.is_ca() && has_id(&uri_names(&first)))
        }
    }
}

/// Findings for roots that a proxy or CA does not trust. Each root has a serial number and a name.
pub(crate) fn missing_roots(chain: &Chain, roots: &[(&str, &str)]) -> Vec<Finding> {
    if !chain.is_trusted() {
        return Vec::new();
    }
    let trusted = chain.serials();
    let missing = roots
        .iter()
        .filter(|(serial, _)| !trusted.iter().any(|trusted| trusted == serial));
    missing
        .map(|(_, name)| {
            Finding::new(
                FaultCode::MissingRoot,
                format!("the root of `{name}` is not trusted"),
            )
        })
        .collect()
}

fn inspect_certificate(certificate: &X509Certificate<'_>, expected: &Expected) -> Inspected {
    let validity = certificate.validity();
    let validity = (
        validity.not_before.timestamp(),
        validity.not_after.timestamp(),
    );
    let is_authority = certificate.is_ca();
    let identities = uri_names(certificate);
    let mut findings: Vec<_> = check_validity(validity, is_authority, expected)
        .into_iter()
        .collect();
    findings.extend(check_identities(&identities, is_authority, expected));
    findings.extend(check_key_usage(certificate, is_authority));
    if !is_authority {
        findings.extend(check_extended_key_usage(certificate));
    }
    findings.extend(check_key(certificate));
    Inspected {
        subject: Some(certificate.subject().to_string()),
        issuer: Some(certificate.issuer().to_string()),
        serial: certificate.raw_serial_as_string(),
        identities,
        not_before: moment(validity.0),
        not_after: moment(validity.1),
        days_left: days_left(validity, expected),
        key: Some(key_name(certificate)),
        is_authority: Some(is_authority),
        findings,
    }
}

fn inspect_reported(
    certificate: &ReportedCertificate,
    is_authority: bool,
    expected: &Expected,
) -> Inspected {
    let names = certificate.subject_alt_names.iter();
    let identities: Vec<_> = names.filter_map(|name| name.uri.clone()).collect();
    let Some(validity) = certificate.validity() else {
        return unreadable();
    };
    let mut findings: Vec<_> = check_validity(validity, is_authority, expected)
        .into_iter()
        .collect();
    findings.extend(check_identities(&identities, is_authority, expected));
    Inspected {
        subject: None,
        issuer: None,
        serial: certificate.serial_number.clone(),
        identities,
        not_before: moment(validity.0),
        not_after: moment(validity.1),
        days_left: days_left(validity, expected),
        key: None,
        is_authority: Some(is_authority),
        findings,
    }
}

fn unreadable() -> Inspected {
    Inspected {
        subject: None,
        issuer: None,
        serial: String::new(),
        identities: Vec::new(),
        not_before: String::new(),
        not_after: String::new(),
        days_left: 0,
        key: None,
        is_authority: None,
        findings: vec![Finding::new(
            FaultCode::Unreadable,
            "not an X.509 certificate",
        )],
    }
}

fn days_left((_, end): (i64, i64), expected: &Expected) -> i64 {
    (end - expected.now).div_euclid(86_400)
}

fn check_validity(
    (start, end): (i64, i64),
    is_authority: bool,
    expected: &Expected,
) -> Option<Finding> {
    // Workload certificates live for hours, and are renewed at half their lifetime.
    let is_short = end - start < expected.min_days * 86_400;
    let renewed_by = start + (end - start) / 2 + (end - start) / 10;
    if expected.now >= end {
        Some(Finding::new(
            FaultCode::Expired,
            format!("expired at {}", moment(end)),
        ))
    } else if expected.now < start {
        Some(Finding::new(
            FaultCode::NotYetValid,
            format!("not valid before {}", moment(start)),
        ))
    } else if let Some(since) = expected.renewed_since
        && !is_authority
        && start < since
    {
        let (start, since) = (moment(start), moment(since));
        Some(Finding::new(
            FaultCode::NotRenewed,
            format!("issued at {start}, but should have been renewed after {since}"),
        ))
    } else if is_short && !is_authority {
        (expected.now > renewed_by).then(|| {
            Finding::new(
                FaultCode::NotRenewed,
                "should have been renewed at half of its lifetime",
            )
        })
    } else {
        let days = days_left((start, end), expected);
        (days < expected.min_days).then(|| {
            let unit = if days == 1 { "day" } else { "days" };
            Finding::new(FaultCode::EndsSoon, format!("expires in {days} {unit}"))
        })
    }
}

/// X509-SVID, sections 2 and 4: a workload certificate has one URI SAN, its SPIFFE ID with a path. The SPIFFE ID of a CA, if
/// present, is the trust domain without a path.
fn check_identities(
    identities: &[String],
    is_authority: bool,
    expected: &Expected,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if identities.is_empty() && !is_authority {
        findings.push(Finding::new(
            FaultCode::NoIdentity,
            "has no URI SAN, so no SPIFFE ID",
        ));
    }
    if identities.len() > 1 {
        let count = identities.len();
        findings.push(Finding::new(
            FaultCode::SeveralIdentities,
            format!("has {count} URI SANs, but only one is allowed"),
        ));
    }
    for identity in identities {
        let domain = identity.strip_prefix(SCHEME);
        let (trust_domain, has_path) = match domain.filter(|name| is_trust_domain(name)) {
            Some(name) => (name, false),
            None => match SpiffeId::parse(identity.as_bytes()) {
                Ok(id) => (id.trust_domain(), true),
                Err(reason) => {
                    findings.push(Finding::new(
                        FaultCode::MalformedIdentity,
                        format!("`{identity}`: {reason}"),
                    ));
                    continue;
                }
            },
        };
        if !has_path && !is_authority {
            findings.push(Finding::new(
                FaultCode::MalformedIdentity,
                format!("`{identity}` is a trust domain, not a workload"),
            ));
        }
        if has_path && is_authority {
            findings.push(Finding::new(
                FaultCode::MalformedIdentity,
                format!("`{identity}` is a workload, but this is a CA certificate"),
            ));
        }
        let is_known = expected
            .trust_domains
            .iter()
            .any(|known| known == trust_domain);
        if !expected.trust_domains.is_empty() && !is_known {
            findings.push(Finding::new(
                FaultCode::ForeignTrustDomain,
                format!("`{trust_domain}` is not a trust domain of the mesh"),
            ));
        }
    }
    findings
}

/// X509-SVID, section 4.3.
fn check_key_usage(certificate: &X509Certificate<'_>, is_authority: bool) -> Vec<Finding> {
    let usage = certificate.key_usage().ok().flatten();
    let Some(usage) = usage else {
        return vec![Finding::new(FaultCode::NoKeyUsage, "has no key usage")];
    };
    let mut findings = Vec::new();
    // Only required for CAs that are SVIDs, and many are not.
    if !is_authority && !usage.critical {
        findings.push(Finding::new(
            FaultCode::KeyUsage,
            "key usage is not critical",
        ));
    }
    let usage = usage.value;
    if is_authority && !usage.key_cert_sign() {
        findings.push(Finding::new(
            FaultCode::KeyUsage,
            "key usage does not allow signing certificates, but this is a CA certificate",
        ));
    }
    if !is_authority && (usage.key_cert_sign() || usage.crl_sign()) {
        findings.push(Finding::new(
            FaultCode::KeyUsage,
            "key usage allows signing certificates, but this is a workload certificate",
        ));
    }
    if !is_authority && !usage.digital_signature() {
        findings.push(Finding::new(
            FaultCode::KeyUsage,
            "key usage does not allow digital signatures, which TLS 1.3 requires",
        ));
    }
    findings
}

/// X509-SVID, section 4.4.
fn check_extended_key_usage(certificate: &X509Certificate<'_>) -> Option<Finding> {
    let usage = certificate.extended_key_usage().ok().flatten()?.value;
    let is_for_both = usage.any || (usage.server_auth && usage.client_auth);
    (!is_for_both).then(|| {
        Finding::new(
            FaultCode::ExtendedKeyUsage,
            "extended key usage does not allow both TLS server and client",
        )
    })
}

fn check_key(certificate: &X509Certificate<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_weak = match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(rsa)) => rsa.key_size() < MIN_RSA_BITS,
        Ok(PublicKey::EC(curve)) => curve.key_size() < MIN_CURVE_BITS,
        Ok(PublicKey::DSA(_)) => true,
        _ => false,
    };
    if is_weak {
        findings.push(Finding::new(
            FaultCode::WeakKey,
            format!("weak key: {}", key_name(certificate)),
        ));
    }
    let oid = certificate.signature_algorithm.algorithm.to_id_string();
    if let Some((_, name)) = WEAK_SIGNATURES.iter().find(|(weak, _)| *weak == oid) {
        findings.push(Finding::new(
            FaultCode::WeakSignature,
            format!("signed with {name}"),
        ));
    }
    findings
}

fn key_name(certificate: &X509Certificate<'_>) -> String {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(rsa)) => format!("RSA {}", rsa.key_size()),
        Ok(PublicKey::EC(curve)) => format!("EC {}", curve.key_size()),
        Ok(PublicKey::DSA(_)) => "DSA".to_owned(),
        _ => certificate.public_key().algorithm.algorithm.to_id_string(),
    }
}

fn uri_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.map(|names| names.value.general_names.as_slice());
    names
        .unwrap_or_default()
        .iter()
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        })
        .collect()
}
