use super::*;
use crate::fake_host::{ADMIN, FakeHost, WEB, certificate};

fn peer(host: &FakeHost) -> Peer {
    PeerCertificates::default().peer(host).0
}

fn uri_san(san: &str) -> Peer {
    Peer::from_uri_san(san.as_bytes().to_vec())
}

#[test]
fn one_uri_san_is_the_identity() {
    assert_eq!(peer(&FakeHost::with_uri_sans(&[WEB])), uri_san(WEB));
}

#[test]
fn several_uri_sans_are_malformed_even_if_equal() {
    for second in [ADMIN, WEB, "https://example.com/"] {
        let host = FakeHost::with_uri_sans(&[WEB, second]);
        assert_eq!(peer(&host), Peer::Malformed, "{second}");
    }
}

#[test]
fn only_a_caller_without_a_certificate_is_anonymous() {
    for host in [
        FakeHost::with_uri_sans(&[]),
        FakeHost::with_uri_sans_before_envoy_1_38(&[]),
    ] {
        assert_eq!(peer(&host), Peer::Malformed);
    }
    assert_eq!(peer(&FakeHost::anonymous()), Peer::Absent);
}

#[test]
fn a_subject_does_not_affect_the_identity() {
    let host = FakeHost::with_uri_sans(&[]).with_property(SUBJECT, b"CN=web");
    assert_eq!(peer(&host), Peer::Malformed);
    let host = FakeHost::with_uri_sans(&[WEB]).with_property(SUBJECT, b"CN=web");
    assert_eq!(peer(&host), uri_san(WEB));
}

#[test]
fn a_dns_san_like_a_spiffe_id_is_malformed() {
    for uri_sans in [&[][..], &[WEB]] {
        let pem = certificate(uri_sans, &["web.shop", ADMIN]);
        let host = FakeHost::with_uri_sans(uri_sans).with_property(CERTIFICATE, pem.as_bytes());
        assert_eq!(peer(&host), Peer::Malformed);
    }
}

#[test]
fn an_unreadable_certificate_is_malformed() {
    for pem in ["-", "-----BEGIN CERTIFICATE-----"] {
        let host = FakeHost::with_uri_sans(&[WEB]).with_property(CERTIFICATE, pem.as_bytes());
        assert_eq!(peer(&host), Peer::Malformed, "{pem:?}");
    }
}

#[test]
fn an_overlong_san_is_malformed_and_not_cached() {
    for (length, is_kept) in [(2048, true), (2049, false)] {
        let san = format!("{WEB}/{}", "a".repeat(length - WEB.len() - 1));
        let expected = if is_kept {
            uri_san(&san)
        } else {
            Peer::Malformed
        };
        let uri_sans = &[&*san][..];
        assert_eq!(peer(&FakeHost::with_uri_sans(uri_sans)), expected);
        let before = FakeHost::with_uri_sans_before_envoy_1_38(uri_sans);
        assert_eq!(peer(&before), expected);
    }
}

#[test]
fn without_the_certificate_the_first_uri_san_counts() {
    let host = FakeHost::with_uri_sans_before_envoy_1_38(&[WEB, ADMIN]);
    assert_eq!(peer(&host), uri_san(WEB));
}

#[test]
fn caches_results_by_digest() {
    let certificates = PeerCertificates::default();
    for _ in 0..3 {
        let host = FakeHost::with_uri_sans(&[WEB, ADMIN]);
        assert_eq!(certificates.peer(&host).0, Peer::Malformed);
        let host = FakeHost::with_uri_sans(&[WEB]);
        assert_eq!(certificates.peer(&host).0, uri_san(WEB));
    }
    let host = FakeHost::with_uri_sans(&[WEB]);
    assert_eq!(certificates.peer(&host).0, uri_san(WEB));
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
        assert_eq!(certificates.peer(&host).0, uri_san(WEB));
    }
    let kept = certificates.by_digest.take().len();
    assert_eq!(kept, 1);
}

fn names(host: &FakeHost) -> Option<String> {
    let gateway = PeerCertificates::new(CertificateValidation::WhereReported, true);
    let (_, names) = gateway.peer(host);
    names.map(|names| names.to_string())
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
    let (_, elsewhere) = PeerCertificates::default().peer(&partner());
    assert_eq!(elsewhere, None);
}

#[test]
fn without_the_certificate_its_names_are_not_known() {
    let host = FakeHost::with_uri_sans_before_envoy_1_38(&["urn:a"]);
    assert_eq!(names(&host.with_property(SUBJECT, b"CN=7")), None);
    let unreadable = FakeHost::with_uri_sans(&["urn:a"]).with_property(CERTIFICATE, b"-");
    assert_eq!(names(&unreadable), None);
}
