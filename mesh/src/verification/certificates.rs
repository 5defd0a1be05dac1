//! Checks certificates in Secrets and proxies.

use std::collections::BTreeMap;

use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;
use policy_schema::verify::{Finding, FindingCode, Object, Proxy, Role};

use crate::certificates::expected::Expected;
use crate::certificates::finding::{self, FaultCode};
use crate::certificates::inspect::{self, inspect};
use crate::certificates::read::{self, Chain, ReadError};
use crate::certificates::siblings::check_siblings;

/// The Secret of Istio's CA.
const CA: &str = "cacerts";

/// Codes about the validity period.
const VALIDITY_CODES: [FaultCode; 3] = [
    FaultCode::EndsSoon,
    FaultCode::Expired,
    FaultCode::NotRenewed,
];

/// Codes that apply to any certificate, not only to workloads.
const GENERAL_CODES: [FaultCode; 6] = [
    FaultCode::BrokenChain,
    FaultCode::NoKey,
    FaultCode::NotYetValid,
    FaultCode::OtherKey,
    FaultCode::WeakKey,
    FaultCode::WeakSignature,
];

/// The expected properties of certificates.
pub(super) fn expected(set: &PolicySet, at: Timestamp, min_days: u16) -> Expected {
    let trust_domains = set.mesh().trust_domains().iter().map(str::to_owned);
    Expected::at(at, min_days).with_trust_domains(trust_domains.collect())
}

/// The Secrets with certificates of the mesh, by namespace and name.
pub(super) fn secrets(set: &PolicySet) -> Vec<(&str, &str)> {
    let of_ca = [(set.mesh().root_namespace(), CA)];
    of_ca
        .into_iter()
        .chain(set.mesh().gateway_secrets())
        .collect()
}

/// Checks the certificates of an object, if it is one of the mesh's Secrets.
pub(super) fn check_object(set: &PolicySet, object: &Object, expected: &Expected) -> Vec<Finding> {
    let name = (object.namespace(), object.name());
    if object.kind() != "Secret" || !secrets(set).contains(&name) {
        return Vec::new();
    }
    let json = object.value().to_string();
    let is_of_mesh = object.name() == CA;
    let found = match read::read(json.as_bytes()) {
        Ok(chains) => check_chains(&object.to_string(), &chains, expected, |code| {
            is_of_mesh || is_edge_only(code)
        }),
        Err(reason) => vec![unreadable(&object.to_string(), &reason)],
    };
    let place = object.place();
    let at_place = found
        .into_iter()
        .map(|finding| Finding { place, ..finding });
    at_place.collect()
}

/// Checks the certificates of a proxy. A gateway has server certificates for external clients in addition to its workload
/// certificate with a SPIFFE ID.
pub(super) fn check_proxy(proxy: &Proxy, certs: &[u8], expected: &Expected) -> Vec<Finding> {
    let subject = format!("proxy {}", proxy.name);
    let (own, of_edge): (Vec<_>, Vec<_>) = match read::read(certs) {
        Ok(chains) => chains
            .into_iter()
            .partition(|chain| proxy.role != Role::Gateway || inspect::is_workload_chain(chain)),
        Err(reason) => return vec![unreadable(&subject, &reason)],
    };
    let mut findings = check_chains(&subject, &own, expected, |_| true);
    findings.extend(check_chains(&subject, &of_edge, expected, is_edge_only));
    findings
}

/// Whether a code applies to a gateway's server certificates for external clients.
fn is_edge_only(code: FaultCode) -> bool {
    GENERAL_CODES.contains(&code) || VALIDITY_CODES.contains(&code)
}

fn check_chains(
    subject: &str,
    chains: &[Chain],
    expected: &Expected,
    is_wanted: impl Fn(FaultCode) -> bool,
) -> Vec<Finding> {
    // Reports a certificate in several places once.
    let mut of_certificates = BTreeMap::<(String, String), Vec<String>>::new();
    let mut inspected = Vec::new();
    let mut findings = Vec::new();
    for chain in chains {
        let name = chain.name.as_deref().unwrap_or_default();
        for certificate in inspect(chain, expected) {
            let identity = certificate.identities.first();
            let title = identity.unwrap_or(&certificate.serial).clone();
            for found in certificate.findings {
                if !is_wanted(found.code) {
                    continue;
                }
                let key = (certificate.serial.clone(), found.message.clone());
                let places = of_certificates.entry(key.clone()).or_default();
                if places.is_empty() {
                    inspected.push((key, title.clone(), found));
                }
                if !name.is_empty() && !places.iter().any(|place| place == name) {
                    places.push(name.to_owned());
                }
            }
        }
        let siblings = check_siblings(chain, chains);
        let wanted = siblings.iter().filter(|finding| is_wanted(finding.code));
        findings
            .extend(wanted.map(|found| certificate_finding(subject, &format!("`{name}`"), found)));
    }
    let of_certificates = inspected.iter().map(|(key, title, found)| {
        let places = of_certificates.get(key).map(Vec::as_slice);
        let title = format!("`{title}`{}", within(places.unwrap_or_default()));
        certificate_finding(subject, &title, found)
    });
    of_certificates.chain(findings).collect()
}

/// The places of a certificate, as part of a sentence.
fn within(places: &[String]) -> String {
    match places {
        [] => String::new(),
        [one] => format!(" in `{one}`"),
        [one, other] => format!(" in `{one}` and `{other}`"),
        [one, others @ ..] => format!(" in `{one}` and {} more places", others.len()),
    }
}

fn certificate_finding(subject: &str, title: &str, found: &finding::Finding) -> Finding {
    let (code, help) = if VALIDITY_CODES.contains(&found.code) {
        (
            FindingCode::CertificateEndsSoon,
            "renew it as described in docs/certificates.md",
        )
    } else {
        (
            FindingCode::UnsoundCertificate,
            "reissue it; inspect it with `peergate certs read`",
        )
    };
    let message = format!("certificate {title}: {}", found.message);
    Finding::new(subject, code, message, help)
}

fn unreadable(subject: &str, reason: &ReadError) -> Finding {
    Finding::new(
        subject,
        FindingCode::UnsoundCertificate,
        format!("cannot read its certificates: {reason}"),
        "inspect it with `peergate certs read`",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The codes and messages found for a gateway or sidecar with these certificates.
    fn found(role: Role, names: &serde_json::Value, end: &str) -> Vec<String> {
        let certificate = |names| {
            json!({
                "serial_number": "1f",
                "subject_alt_names": names,
                "valid_from": "2026-01-01T00:00:00Z",
                "expiration_time": end,
            })
        };
        let certs = json!({"certificates": [
            {"ca_cert": [], "cert_chain": [certificate(names)]},
            {"ca_cert": [], "cert_chain": [certificate(names)]},
        ]});
        let proxy = Proxy {
            name: "edge/gateway-1".to_owned(),
            role,
            ..Proxy::default()
        };
        let at = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
        let expected = Expected::at(at, 30).with_trust_domains(vec!["cluster.local".to_owned()]);
        let found = check_proxy(&proxy, certs.to_string().as_bytes(), &expected);
        let found = found.into_iter();
        found
            .map(|finding| format!("{}: {}", finding.code.as_str(), finding.message))
            .collect()
    }

    /// External clients use its host names, the mesh its SPIFFE ID.
    #[test]
    fn checks_gateway_certificates_by_their_purpose() {
        let later = "2027-01-01T00:00:00Z";
        let host = json!([{"dns": "shop.example.com"}]);
        assert_eq!(found(Role::Gateway, &host, later), [""; 0]);
        assert_eq!(found(Role::Sidecar, &host, later).len(), 1);
        let foreign = json!([{"uri": "spiffe://other.example/ns/edge/sa/gateway"}]);
        assert_eq!(found(Role::Gateway, &foreign, later).len(), 1);
        let own = json!([{"uri": "spiffe://cluster.local/ns/edge/sa/gateway"}]);
        assert_eq!(found(Role::Gateway, &own, later), [""; 0]);
    }

    #[test]
    fn reports_a_certificate_in_two_places_once() {
        let host = json!([{"dns": "shop.example.com"}]);
        let expected = "certificate-ends-soon: certificate `1f` in `certificates[0].cert_chain` and `certificates[1].cert_chain`: expires in 9 days";
        assert_eq!(
            found(Role::Gateway, &host, "2026-06-10T00:00:00Z"),
            [expected]
        );
    }
}
