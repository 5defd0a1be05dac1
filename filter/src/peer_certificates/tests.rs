use super::*;
use crate::fake_host::{ADMIN, FakeHost, WEB, certificate, policy};

/// The certificate of the connection, in a policy without rules.
pub(super) fn current(certificates: &PeerCertificates, host: &FakeHost) -> ConnectionCertificate {
    certificates.current(&policy(), host)
}

/// Asserts that the caller is this one at a sidecar.
#[track_caller]
fn assert_peer(host: &FakeHost, expected: PeerIdentity<'_>) {
    assert_eq!(current(&PeerCertificates::default(), host).peer(), expected);
}

fn uri_san(san: &str) -> PeerIdentity<'_> {
    PeerIdentity::from_uri_san(Some(san.as_bytes()))
}

#[test]
fn one_uri_san_is_the_identity() {
    assert_peer(&FakeHost::with_uri_sans(&[WEB]), uri_san(WEB));
}

#[test]
fn several_uri_sans_are_malformed_even_if_equal() {
    for second in [ADMIN, WEB, "https://example.com/"] {
        let host = FakeHost::with_uri_sans(&[WEB, second]);
        assert_peer(&host, PeerIdentity::Malformed);
    }
}

#[test]
fn only_a_caller_without_a_certificate_is_anonymous() {
    for host in [
        FakeHost::with_uri_sans(&[]),
        FakeHost::with_uri_sans_before_envoy_1_38(&[]),
    ] {
        assert_peer(&host, PeerIdentity::Malformed);
    }
    assert_peer(&FakeHost::anonymous(), PeerIdentity::Absent);
}

#[test]
fn a_subject_does_not_affect_the_identity() {
    let host = FakeHost::with_uri_sans(&[]).with_property(SUBJECT, b"CN=web");
    assert_peer(&host, PeerIdentity::Malformed);
    let host = FakeHost::with_uri_sans(&[WEB]).with_property(SUBJECT, b"CN=web");
    assert_peer(&host, uri_san(WEB));
}

#[test]
fn a_dns_san_like_a_spiffe_id_is_malformed() {
    for uri_sans in [&[][..], &[WEB]] {
        let pem = certificate(uri_sans, &["web.shop", ADMIN]);
        let host = FakeHost::with_uri_sans(uri_sans).with_property(CERTIFICATE, pem.as_bytes());
        assert_peer(&host, PeerIdentity::Malformed);
    }
}

#[test]
fn an_unreadable_certificate_is_malformed() {
    for pem in ["-", "-----BEGIN CERTIFICATE-----"] {
        let host = FakeHost::with_uri_sans(&[WEB]).with_property(CERTIFICATE, pem.as_bytes());
        assert_peer(&host, PeerIdentity::Malformed);
    }
}

#[test]
fn an_overlong_san_is_malformed_and_not_cached() {
    for (length, is_kept) in [(2048, true), (2049, false)] {
        let san = format!("{WEB}/{}", "a".repeat(length - WEB.len() - 1));
        let expected = if is_kept {
            uri_san(&san)
        } else {
            PeerIdentity::Malformed
        };
        let uri_sans = &[&*san][..];
        assert_peer(&FakeHost::with_uri_sans(uri_sans), expected);
        let before = FakeHost::with_uri_sans_before_envoy_1_38(uri_sans);
        assert_peer(&before, expected);
    }
}

#[test]
fn without_the_certificate_the_first_uri_san_counts() {
    let host = FakeHost::with_uri_sans_before_envoy_1_38(&[WEB, ADMIN]);
    assert_peer(&host, uri_san(WEB));
}

#[test]
fn caches_results_by_digest() {
    let certificates = PeerCertificates::default();
    for _ in 0..3 {
        let host = FakeHost::with_uri_sans(&[WEB, ADMIN]);
        assert_eq!(
            current(&certificates, &host).peer(),
            PeerIdentity::Malformed
        );
        let host = FakeHost::with_uri_sans(&[WEB]);
        assert_eq!(current(&certificates, &host).peer(), uri_san(WEB));
    }
    let host = FakeHost::with_uri_sans(&[WEB]);
    assert_eq!(current(&certificates, &host).peer(), uri_san(WEB));
    assert_eq!(host.calls.answered.get(), 1);
}

#[test]
fn limits_the_number_of_cached_certificates() {
    let certificates = PeerCertificates::default();
    let pem = certificate(&[WEB], &[]);
    for number in 0..=MAX_CERTIFICATES {
        let host = FakeHost::with_uri_sans_before_envoy_1_38(&[WEB])
            .with_property(DIGEST, &number.to_le_bytes())
            .with_property(CERTIFICATE, pem.as_bytes());
        assert_eq!(current(&certificates, &host).peer(), uri_san(WEB));
    }
    let kept = certificates.known.take().len();
    assert_eq!(kept, 1);
}

fn names(host: &FakeHost) -> Option<String> {
    let gateway = PeerCertificates::new(CertificateValidation::WhereReported, true);
    names_at(&gateway, host)
}

fn names_at(certificates: &PeerCertificates, host: &FakeHost) -> Option<String> {
    match current(certificates, host) {
        ConnectionCertificate::Known(known) => known.names().map(ToString::to_string),
        ConnectionCertificate::Absent | ConnectionCertificate::Unvalidated => None,
    }
}

#[test]
fn a_gateway_knows_all_names_of_a_validated_certificate() {
    let partner = || {
        let pem = certificate(&["urn:a", "urn:b"], &["a.example", "b.example"]);
        FakeHost::with_uri_sans_before_envoy_1_38(&["urn:a"])
            .with_property(CERTIFICATE, pem.as_bytes())
            .with_property(SUBJECT, b"CN=7,O=Partner")
    };
    let all = "dns:a.example\ndns:b.example\nuri:urn:a\nuri:urn:b\nsubject:CN=7,O=Partner";
    assert_eq!(names(&partner()).as_deref(), Some(all));
    assert_eq!(
        names(&partner().with_property(b"connection\0peer_certificate_valid", &[0])),
        None
    );
    assert_eq!(names_at(&PeerCertificates::default(), &partner()), None);
}

#[test]
fn without_the_certificate_its_names_are_not_known() {
    let host = FakeHost::with_uri_sans_before_envoy_1_38(&["urn:a"]);
    assert_eq!(names(&host.with_property(SUBJECT, b"CN=7")), None);
    let unreadable = FakeHost::with_uri_sans(&["urn:a"]).with_property(CERTIFICATE, b"-");
    assert_eq!(names(&unreadable), None);
}
