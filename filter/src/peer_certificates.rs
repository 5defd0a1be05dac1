//! Who the caller's certificate says it is.
//!
//! An X.509-SVID has exactly one URI SAN (X.509-SVID specification, section 2), and the caller
//! with several must be denied; but the proxy's attribute for the URI SAN is only the first. The
//! certificate itself tells (`connection.peer_certificate`, from Envoy 1.38 on), and to walk
//! through it for each request would be dear. So the proxy is asked for the certificate's SHA-256
//! digest in place of the SAN, which costs the same, and what was found in a certificate is kept
//! by its digest. The digest is computed by the proxy and stands for the whole certificate, so
//! nothing a client sends makes one certificate pass for another, and all connections of a worker
//! share what was found. The id of the connection is no such key: with QUIC it is a hash of what
//! the client may choose. Nor is `x-forwarded-client-cert`, which only some listeners set.
//!
//! Looking into the certificate can only take an identity away. Before Envoy 1.38 there is nothing
//! to look into, and the first URI SAN stands.
//!
//! A caller is anonymous only without a certificate. A certificate without a URI SAN is malformed,
//! whatever other names it has, and also if it has none: a rule about every certificate cannot miss it.
//!
//! At a gateway that may accept what it cannot validate, a certificate counts only if it was
//! validated. That is a property of the connection, not of the certificate: another listener may
//! trust another CA. The proxy says yes only for a full handshake, and no for every resumed session
//! (Envoy, `connection.peer_certificate_valid`, from 1.39 on). So a yes is remembered, for the same
//! certificate at the same filter chain.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use policy_schema::identity::{ClientCertificate, NameKind};
use policy_schema::plugin_config::CertificateValidation;
use policy_schema::timestamp::Timestamp;
use rustc_hash::FxHashMap;

use crate::certificate::Certificate;
use crate::host::{Bytes, Host};
use crate::peer::Peer;

const DIGEST: &[u8] = b"connection\0sha256_peer_certificate_digest";
const FIRST_URI_SAN: &[u8] = b"connection\0uri_san_peer_certificate";
const SUBJECT: &[u8] = b"connection\0subject_peer_certificate";
const CERTIFICATE: &[u8] = b"connection\0peer_certificate";
const IS_VALIDATED: &[u8] = b"connection\0peer_certificate_valid";
const FILTER_CHAIN: &[u8] = b"xds\0filter_chain_name";
/// The address of the listener, or the one that the client meant where a listener takes several.
const LOCAL_ADDRESS: &[u8] = b"destination\0address";

/// How many certificates are kept. Callers renew theirs several times a day, so in the end the
/// dead ones fill the place; then all are forgotten, and the living are looked into once more.
const MOST: usize = 1024;

/// At how many filter chains it is remembered that a certificate was validated.
const MOST_PLACES: usize = 16;

/// How long a resumed session may rely on an earlier full handshake. The filter cannot see that the
/// listener has stopped trusting a CA, or that a certificate was revoked. This bounds how long such a
/// certificate is still accepted. It spans a client's reconnects and is short compared to the lifetime
/// of certificates.
const REMEMBERED: Duration = Duration::from_mins(10);

/// The certificates that a policy's callers have shown.
#[derive(Default)]
pub struct PeerCertificates {
    validation: CertificateValidation,
    /// Whether clients from outside the mesh are callers of their own.
    takes_outsiders: bool,
    by_digest: Cell<FxHashMap<Bytes, KnownCertificate>>,
}

/// What was found in a certificate.
struct KnownCertificate {
    peer: Peer,
    names: Option<Rc<ClientCertificate>>,
    not_after: Option<Timestamp>,
    /// Where it was validated.
    validated: Vec<Validated>,
}

/// Where a certificate was validated, and until when that is remembered. What is trusted there depends
/// on the filter chain, whose name is unique at its listener only.
struct Validated {
    filter_chain: Bytes,
    local_address: Bytes,
    until: Timestamp,
}

impl PeerCertificates {
    /// No certificates yet, at a proxy that validates them so. `takes_outsiders` says whether clients from
    /// outside the mesh are callers of their own.
    pub fn new(validation: CertificateValidation, takes_outsiders: bool) -> Self {
        Self {
            validation,
            takes_outsiders,
            ..Self::default()
        }
    }

    /// Who calls by the certificate of the connection that `host` is at, and the certificate itself,
    /// where that is from outside the mesh and all its names are known.
    pub fn peer(&self, host: &impl Host) -> (Peer, Option<Rc<ClientCertificate>>) {
        let Some(digest) = host.property(DIGEST) else {
            return (Peer::Absent, None);
        };
        let mut by_digest = self.by_digest.take();
        if by_digest.len() >= MOST && !by_digest.contains_key(&digest) {
            by_digest.clear();
        }
        let known = by_digest
            .entry(digest)
            .or_insert_with(|| look_into_certificate(host, self.takes_outsiders));
        let found = if known.is_validated(self.validation, host) {
            (known.peer.clone(), known.names.clone())
        } else {
            (Peer::Unvalidated, None)
        };
        self.by_digest.set(by_digest);
        found
    }
}

impl KnownCertificate {
    fn is_validated(&mut self, validation: CertificateValidation, host: &impl Host) -> bool {
        if validation == CertificateValidation::ByListener {
            return true;
        }
        match host.property(IS_VALIDATED).as_deref() {
            None => validation == CertificateValidation::WhereReported,
            Some([1]) => {
                self.remember(host);
                true
            }
            // A certificate that the listener could not validate, or a resumed session.
            Some(_) => self.is_remembered(host),
        }
    }

    /// Remembers that the certificate was validated. Without the name of the filter chain, without the
    /// time or without the certificate's end nothing is remembered.
    fn remember(&mut self, host: &impl Host) {
        let (Some(at), Some(not_after), Some(now)) =
            (filter_chain(host), self.not_after, host.now())
        else {
            return;
        };
        self.validated
            .retain(|known| !known.is_at(&at) && now < known.until);
        if self.validated.len() < MOST_PLACES {
            let (filter_chain, local_address) = at;
            self.validated.push(Validated {
                filter_chain,
                local_address,
                until: not_after.min(now.after(REMEMBERED)),
            });
        }
    }

    fn is_remembered(&self, host: &impl Host) -> bool {
        // Spares the calls for a certificate that was never validated.
        if self.validated.is_empty() {
            return false;
        }
        let (Some(at), Some(now)) = (filter_chain(host), host.now()) else {
            return false;
        };
        let mut validated = self.validated.iter();
        validated.any(|known| known.is_at(&at) && now < known.until)
    }
}

impl Validated {
    fn is_at(&self, (filter_chain, local_address): &(Bytes, Bytes)) -> bool {
        self.filter_chain == *filter_chain && self.local_address == *local_address
    }
}

/// The filter chain that the connection is at, by its name and its listener.
fn filter_chain(host: &impl Host) -> Option<(Bytes, Bytes)> {
    Some((host.property(FILTER_CHAIN)?, host.property(LOCAL_ADDRESS)?))
}

fn look_into_certificate(host: &impl Host, takes_outsiders: bool) -> KnownCertificate {
    let read = host
        .property(CERTIFICATE)
        .map(|pem| Certificate::read(&pem));
    let ids = read.as_ref().map(|read| Some(read.as_ref()?.ids()));
    let peer = match (host.property(FIRST_URI_SAN), ids) {
        // No longer than a SPIFFE ID may be, so what is kept is bounded.
        (Some(san), None | Some(Some(1))) => Peer::from_uri_san(san),
        // More than one, none, or one that is empty, which the proxy reports as none.
        _ => Peer::Malformed,
    };
    let read = read.flatten();
    let names = read.as_ref().filter(|_| takes_outsiders).and_then(|read| {
        // The proxy writes it as RFC 2253 does.
        let subject = host.property(SUBJECT);
        let subject = subject
            .iter()
            .map(|subject| (NameKind::Subject, &**subject));
        let names = read.names.iter().map(|(kind, name)| (*kind, &**name));
        ClientCertificate::new(names.chain(subject))
    });
    KnownCertificate {
        peer,
        names: names.map(Rc::new),
        not_after: read.and_then(|read| read.not_after),
        validated: Vec::new(),
    }
}

/// Without the callers' names.
impl fmt::Debug for PeerCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificates").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
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
    fn several_uri_sans_are_malformed_also_where_they_are_alike() {
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
    fn a_subject_is_no_identity_and_takes_none_away() {
        let host = FakeHost::with_uri_sans(&[]).with_property(SUBJECT, b"CN=web");
        assert_eq!(peer(&host), Peer::Malformed);
        let host = FakeHost::with_uri_sans(&[WEB]).with_property(SUBJECT, b"CN=web");
        assert_eq!(peer(&host), uri_san(WEB));
    }

    #[test]
    fn a_dns_san_that_reads_as_a_spiffe_id_is_malformed() {
        for uri_sans in [&[][..], &[WEB]] {
            let pem = certificate(uri_sans, &["web.shop", ADMIN]);
            let host = FakeHost::with_uri_sans(uri_sans).with_property(CERTIFICATE, pem.as_bytes());
            assert_eq!(peer(&host), Peer::Malformed);
        }
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_malformed() {
        for pem in ["-", "-----BEGIN CERTIFICATE-----"] {
            let host = FakeHost::with_uri_sans(&[WEB]).with_property(CERTIFICATE, pem.as_bytes());
            assert_eq!(peer(&host), Peer::Malformed, "{pem:?}");
        }
    }

    #[test]
    fn what_is_longer_than_a_spiffe_id_may_be_is_malformed_and_not_kept() {
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
    fn without_the_certificate_the_first_uri_san_stands() {
        let host = FakeHost::with_uri_sans_before_envoy_1_38(&[WEB, ADMIN]);
        assert_eq!(peer(&host), uri_san(WEB));
    }

    #[test]
    fn what_was_found_is_kept_by_digest() {
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
    fn the_number_of_certificates_that_are_kept_is_bounded() {
        let certificates = PeerCertificates::default();
        let pem = certificate(&[WEB], &[]);
        for number in 0..=MOST {
            let host = FakeHost::with_uri_sans_before_envoy_1_38(&[WEB])
                .with_property(DIGEST, &number.to_le_bytes())
                .with_property(CERTIFICATE, pem.as_bytes());
            assert_eq!(certificates.peer(&host).0, uri_san(WEB));
        }
        let kept = certificates.by_digest.take().len();
        assert_eq!(kept, 1);
    }

    fn gateway(validation: CertificateValidation) -> PeerCertificates {
        PeerCertificates::new(validation, false)
    }

    const VALID: &[u8] = &[1];
    const NOT_VALID: &[u8] = &[0];
    const NOW: &str = "2026-06-01T12:00:00Z";

    /// A connection of `WEB`, whose certificate is good until the year 4096.
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
    fn where_the_listener_validates_nothing_more_is_asked() {
        for is_validated in [None, Some(VALID), Some(NOT_VALID)] {
            let host = at_gateway(is_validated, "https", 443);
            assert_eq!(peer(&host), uri_san(WEB));
            // Digest, SAN and certificate.
            assert_eq!(host.calls.answered.get(), 3);
        }
    }

    #[test]
    fn at_a_gateway_an_identity_counts_only_if_it_was_validated() {
        use CertificateValidation::{Required, WhereReported};
        let counts = uri_san(WEB);
        let unvalidated = Peer::Unvalidated;
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
                certificates.peer(&host).0,
                *expected,
                "{validation:?} {is_validated:?}"
            );
        }
    }

    #[test]
    fn without_a_certificate_there_is_none_to_validate() {
        let certificates = gateway(CertificateValidation::Required);
        let host = FakeHost::anonymous().with_property(IS_VALIDATED, NOT_VALID);
        assert_eq!(certificates.peer(&host).0, Peer::Absent);
    }

    #[test]
    fn what_an_unvalidated_certificate_says_is_never_looked_at() {
        let certificates = gateway(CertificateValidation::WhereReported);
        for uri_sans in [&[][..], &[WEB, ADMIN], &["urn:web"]] {
            let host = FakeHost::with_uri_sans(uri_sans).with_property(IS_VALIDATED, NOT_VALID);
            assert_eq!(certificates.peer(&host).0, Peer::Unvalidated);
        }
    }

    #[test]
    fn a_resumed_session_counts_where_its_certificate_was_validated() {
        let certificates = gateway(CertificateValidation::Required);
        let resumed = at_gateway(Some(NOT_VALID), "https", 443);
        assert_eq!(certificates.peer(&resumed).0, Peer::Unvalidated);
        certificates.peer(&at_gateway(Some(VALID), "https", 443));
        assert_eq!(certificates.peer(&resumed).0, uri_san(WEB));
    }

    #[test]
    fn a_certificate_that_was_validated_elsewhere_does_not_count() {
        let certificates = gateway(CertificateValidation::Required);
        certificates.peer(&at_gateway(Some(VALID), "https", 443));
        for (filter_chain, port) in [("other", 443), ("https", 8443), ("", 443)] {
            let host = at_gateway(Some(NOT_VALID), filter_chain, port);
            assert_eq!(
                certificates.peer(&host).0,
                Peer::Unvalidated,
                "{filter_chain} {port}"
            );
        }
        let other = at_gateway(Some(NOT_VALID), "https", 443).with_property(DIGEST, b"of another");
        assert_eq!(certificates.peer(&other).0, Peer::Unvalidated);
    }

    #[test]
    fn a_filter_chain_without_a_name_is_not_remembered() {
        let certificates = gateway(CertificateValidation::Required);
        assert_eq!(
            certificates.peer(&at_gateway(Some(VALID), "", 443)).0,
            uri_san(WEB)
        );
        assert_eq!(
            certificates.peer(&at_gateway(Some(NOT_VALID), "", 443)).0,
            Peer::Unvalidated
        );
    }

    #[test]
    fn what_was_validated_is_forgotten_after_minutes_and_when_the_certificate_ends() {
        let remembers = |not_after: Option<&str>, at: &str| {
            let mut certificate = KnownCertificate {
                peer: uri_san(WEB),
                names: None,
                not_after: not_after.map(|time| Timestamp::parse(time).unwrap()),
                validated: Vec::new(),
            };
            certificate.remember(&at_gateway(Some(VALID), "https", 443));
            certificate.is_remembered(&at_gateway(Some(NOT_VALID), "https", 443).at(at))
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
    fn the_places_where_a_certificate_was_validated_are_bounded() {
        let certificates = gateway(CertificateValidation::Required);
        for port in 0..100 {
            certificates.peer(&at_gateway(Some(VALID), "https", port));
            certificates.peer(&at_gateway(Some(VALID), "https", port));
        }
        let kept = certificates.by_digest.take();
        let places = kept.values().map(|known| known.validated.len());
        assert_eq!(places.collect::<Vec<_>>(), [MOST_PLACES]);
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
            names(&partner().with_property(IS_VALIDATED, NOT_VALID)),
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
}
