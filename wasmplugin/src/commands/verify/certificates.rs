//! Certificates, in Secrets and in proxies → findings.

use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;
use policy_schema::verify::{Finding, FindingCode, Object};

use crate::certificates::beside::beside;
use crate::certificates::inspect::{self, Expected, inspect};
use crate::certificates::read::{self, Chain, ReadError};

/// The Secret of Istio's CA.
const CA: &str = "cacerts";

/// Findings that are about how long a certificate is valid.
const OF_TIME: [&str; 3] = ["ends-soon", "expired", "not-renewed"];

/// Findings that are about any certificate, and not about a workload's alone.
const OF_ANY: [&str; 6] = [
    "broken-chain",
    "no-key",
    "not-yet-valid",
    "other-key",
    "weak-key",
    "weak-signature",
];

/// With what certificates are compared.
pub(super) fn expected(set: &PolicySet, at: Timestamp, min_days: u16) -> Expected {
    Expected {
        trust_domains: set
            .mesh()
            .trust_domains()
            .iter()
            .map(str::to_owned)
            .collect(),
        ..Expected::at(at, min_days)
    }
}

/// The Secrets whose certificates are the mesh's own, each by its namespace and name.
pub(super) fn secrets(set: &PolicySet) -> Vec<(&str, &str)> {
    let of_ca = [(set.mesh().root_namespace(), CA)];
    of_ca
        .into_iter()
        .chain(set.mesh().gateway_secrets())
        .collect()
}

/// What is wrong with the certificates in an object, if it is one of the mesh's Secrets.
pub(super) fn of_object(set: &PolicySet, object: &Object, expected: &Expected) -> Vec<Finding> {
    let name = (object.namespace(), object.name());
    if object.kind() != "Secret" || !secrets(set).contains(&name) {
        return Vec::new();
    }
    let json = object.value().to_string();
    let is_of_mesh = object.name() == CA;
    let found = match read::read(json.as_bytes()) {
        Ok(chains) => of_chains(&object.to_string(), &chains, expected, |code| {
            // The outside knows gateways by host names.
            is_of_mesh || OF_ANY.contains(&code) || OF_TIME.contains(&code)
        }),
        Err(reason) => vec![unreadable(&object.to_string(), &reason)],
    };
    let place = object.place();
    let at_place = found
        .into_iter()
        .map(|finding| Finding { place, ..finding });
    at_place.collect()
}

/// What is wrong with the certificates that a proxy has.
pub(super) fn of_proxy(proxy: &str, certs: &[u8], expected: &Expected) -> Vec<Finding> {
    let subject = format!("proxy {proxy}");
    match read::read(certs) {
        Ok(chains) => of_chains(&subject, &chains, expected, |_| true),
        Err(reason) => vec![unreadable(&subject, &reason)],
    }
}

fn of_chains(
    subject: &str,
    chains: &[Chain],
    expected: &Expected,
    is_wanted: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for chain in chains {
        for certificate in inspect(chain, expected) {
            let identity = certificate.identities.first();
            let title = identity.unwrap_or(&certificate.serial);
            let title = match &chain.name {
                Some(name) => format!("`{title}` in `{name}`"),
                None => format!("`{title}`"),
            };
            let wanted = certificate.findings.iter();
            let wanted = wanted.filter(|finding| is_wanted(finding.code));
            findings.extend(wanted.map(|found| of_certificate(subject, &title, found)));
        }
        let name = chain.name.as_deref().unwrap_or_default();
        let beside = beside(chain, chains);
        let wanted = beside.iter().filter(|finding| is_wanted(finding.code));
        findings.extend(wanted.map(|found| of_certificate(subject, &format!("`{name}`"), found)));
    }
    findings
}

fn of_certificate(subject: &str, title: &str, found: &inspect::Finding) -> Finding {
    let (code, help) = if OF_TIME.contains(&found.code) {
        (
            FindingCode::CertificateEndsSoon,
            "see docs/certificates.md: who renews it, and how",
        )
    } else {
        (
            FindingCode::UnsoundCertificate,
            "have it issued anew; `peergate certs read` says more of it",
        )
    };
    let message = format!("its certificate {title}: {}", found.message);
    Finding::of(subject, code, message, help)
}

fn unreadable(subject: &str, reason: &ReadError) -> Finding {
    Finding::of(
        subject,
        FindingCode::UnsoundCertificate,
        format!("its certificates cannot be read: {reason}"),
        "see what is in it with `peergate certs read`",
    )
}
