use super::*;
use crate::fake_host::{ADMIN, FakeHost, WEB};
use peergate_engine::identity::PeerIdentity;

use crate::peer_certificates::PeerCertificates;
use crate::peer_certificates::tests::current;

fn web() -> PeerIdentity<'static> {
    PeerIdentity::from_uri_san(Some(WEB.as_bytes()))
}

fn gateway(validation: CertificateValidation) -> PeerCertificates {
    PeerCertificates::new(validation, false)
}

const VALID: &[u8] = &[1];
const NOT_VALID: &[u8] = &[0];
const NOW: &str = "2026-06-01T12:00:00Z";

/// A connection of `WEB`, whose certificate is valid until the year 4096.
fn at_gateway(is_validated: Option<&[u8]>, filter_chain: &str, port: u16) -> FakeHost {
    let mut host = FakeHost::with_uri_sans(&[WEB])
        .with_property(LOCAL_ADDRESS, format!("10.0.0.1:{port}").as_bytes())
        .with_property(FILTER_CHAIN, filter_chain.as_bytes());
    if let Some(is_validated) = is_validated {
        host = host.with_property(IS_VALIDATED, is_validated);
    }
    host.at(NOW)
}

#[test]
fn a_validating_listener_needs_no_further_calls() {
    for is_validated in [None, Some(VALID), Some(NOT_VALID)] {
        let host = at_gateway(is_validated, "https", 443);
        assert_eq!(current(&PeerCertificates::default(), &host).peer(), web());
        // Digest, SAN and certificate.
        assert_eq!(host.calls.answered.get(), 3);
    }
}

#[test]
fn at_a_gateway_only_validated_identities_count() {
    use CertificateValidation::{Required, WhereReported};
    let counts = web();
    let unvalidated = PeerIdentity::Unvalidated;
    for (validation, is_validated, expected) in [
        (WhereReported, None, &counts),
        (WhereReported, Some(VALID), &counts),
        (WhereReported, Some(NOT_VALID), &unvalidated),
        (WhereReported, Some(&b"true"[..]), &unvalidated),
        (WhereReported, Some(&[2][..]), &unvalidated),
        (Required, None, &unvalidated),
        (Required, Some(VALID), &counts),
        (Required, Some(NOT_VALID), &unvalidated),
    ] {
        let certificates = gateway(validation);
        let host = at_gateway(is_validated, "https", 443);
        assert_eq!(
            current(&certificates, &host).peer(),
            *expected,
            "{validation:?} {is_validated:?}"
        );
    }
}

#[test]
fn without_a_certificate_nothing_is_validated() {
    let certificates = gateway(CertificateValidation::Required);
    let host = FakeHost::anonymous().with_property(IS_VALIDATED, NOT_VALID);
    assert_eq!(current(&certificates, &host).peer(), PeerIdentity::Absent);
}

#[test]
fn unvalidated_certificates_are_never_parsed() {
    let certificates = gateway(CertificateValidation::WhereReported);
    for uri_sans in [&[][..], &[WEB, ADMIN], &["urn:web"]] {
        let host = FakeHost::with_uri_sans(uri_sans).with_property(IS_VALIDATED, NOT_VALID);
        assert_eq!(
            current(&certificates, &host).peer(),
            PeerIdentity::Unvalidated
        );
    }
}

#[test]
fn a_resumed_session_counts_if_its_certificate_was_validated() {
    let certificates = gateway(CertificateValidation::Required);
    let resumed = at_gateway(Some(NOT_VALID), "https", 443);
    assert_eq!(
        current(&certificates, &resumed).peer(),
        PeerIdentity::Unvalidated
    );
    current(&certificates, &at_gateway(Some(VALID), "https", 443));
    assert_eq!(current(&certificates, &resumed).peer(), web());
}

#[test]
fn a_certificate_that_was_validated_elsewhere_does_not_count() {
    let certificates = gateway(CertificateValidation::Required);
    current(&certificates, &at_gateway(Some(VALID), "https", 443));
    for (filter_chain, port) in [("other", 443), ("https", 8443), ("", 443)] {
        let host = at_gateway(Some(NOT_VALID), filter_chain, port);
        assert_eq!(
            current(&certificates, &host).peer(),
            PeerIdentity::Unvalidated,
            "{filter_chain} {port}"
        );
    }
    let other = at_gateway(Some(NOT_VALID), "https", 443)
        .with_property(b"connection\0sha256_peer_certificate_digest", b"of another");
    assert_eq!(
        current(&certificates, &other).peer(),
        PeerIdentity::Unvalidated
    );
}

#[test]
fn a_filter_chain_without_a_name_is_not_remembered() {
    let certificates = gateway(CertificateValidation::Required);
    assert_eq!(
        current(&certificates, &at_gateway(Some(VALID), "", 443)).peer(),
        web()
    );
    assert_eq!(
        current(&certificates, &at_gateway(Some(NOT_VALID), "", 443)).peer(),
        PeerIdentity::Unvalidated
    );
}

#[test]
fn validations_expire_after_minutes_or_with_the_certificate() {
    let remembers = |not_after: Option<&str>, at: &str| {
        let not_after = not_after.map(|time| Timestamp::parse(time).unwrap());
        let mut validations = Validations::new(not_after);
        validations.remember(&at_gateway(Some(VALID), "https", 443));
        validations.is_remembered(&at_gateway(Some(NOT_VALID), "https", 443).at(at))
    };
    let next_year = Some("2027-06-01T12:00:00Z");
    assert!(remembers(next_year, NOW));
    assert!(remembers(next_year, "2026-06-01T12:09:59Z"));
    assert!(!remembers(next_year, "2026-06-01T12:10:00Z"));
    let soon = Some("2026-06-01T12:01:00Z");
    assert!(remembers(soon, "2026-06-01T12:00:59Z"));
    assert!(!remembers(soon, "2026-06-01T12:01:00Z"));
    assert!(!remembers(None, NOW));
}

#[test]
fn limits_the_number_of_validations() {
    let certificates = gateway(CertificateValidation::Required);
    for port in 0..100 {
        current(&certificates, &at_gateway(Some(VALID), "https", port));
        current(&certificates, &at_gateway(Some(VALID), "https", port));
    }
    let kept = certificates.known.take();
    let places = kept
        .iter()
        .map(|known| known.validations.borrow().places.len());
    assert_eq!(places.collect::<Vec<_>>(), [MAX_PLACES]);
}
