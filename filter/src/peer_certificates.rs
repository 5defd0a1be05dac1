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
//! At a gateway that may accept what it cannot validate, a certificate counts only if it was
//! validated. That is a property of the connection, not of the certificate: another listener may
//! trust another CA. The proxy says yes only for a full handshake, and no for every resumed session
//! (Envoy, `connection.peer_certificate_valid`, from 1.39 on). So a yes is remembered, for the same
//! certificate at the same filter chain.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use policy_schema::identity::MAX_ID;
use policy_schema::plugin_config::CertificateValidation;
use policy_schema::timestamp::Timestamp;
use rustc_hash::FxHashMap;

use crate::certificate::Certificate;
use crate::host::{Bytes, Host};

const DIGEST: &[u8] = b"connection\0sha256_peer_certificate_digest";
const FIRST_URI_SAN: &[u8] = b"connection\0uri_san_peer_certificate";
const CERTIFICATE: &[u8] = b"connection\0peer_certificate";
const IS_VALIDATED: &[u8] = b"connection\0peer_certificate_valid";
const FILTER_CHAIN: &[u8] = b"xds\0filter_chain_name";
/// The address of the listener, or the one that the client meant where a listener takes several.
const LOCAL_ADDRESS: &[u8] = b"destination\0address";

/// How many certificates are kept. Callers renew theirs several times a day, so in the end the
/// dead ones fill the place; then all are forgotten, and the living are looked into once more.
const MOST: usize = 1024;

/// How long a resumed session may rely on an earlier full handshake. Nobody notices here that the
/// listener has stopped trusting a CA, or that a certificate was revoked, so this bounds for how long
/// either goes unheeded. It spans a client's reconnects, and is short beside the lifetime of
/// certificates.
const REMEMBERED: Duration = Duration::from_mins(10);

/// What a certificate says of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateIdentity {
    /// Nothing: there is no certificate, or it has no URI SAN.
    Absent,
    /// Nothing that counts: the proxy has not validated the certificate.
    Unvalidated,
    /// Anything but one URI SAN.
    Malformed,
    /// The only URI SAN, be it a SPIFFE ID or not. No longer than one may be, so that what is kept is
    /// bounded.
    UriSan(Rc<[u8]>),
}

/// The certificates that a policy's callers have shown.
#[derive(Default)]
pub struct PeerCertificates {
    validation: CertificateValidation,
    by_digest: Cell<FxHashMap<Bytes, KnownCertificate>>,
    validated: Cell<FxHashMap<ValidatedAt, Timestamp>>,
}

/// What was found in a certificate.
#[derive(Clone)]
struct KnownCertificate {
    identity: CertificateIdentity,
    not_after: Option<Timestamp>,
}

/// A certificate, and where it was validated: what is trusted there depends on the filter chain, and
/// its name is unique at its listener only.
#[derive(PartialEq, Eq, Hash)]
struct ValidatedAt {
    digest: Bytes,
    filter_chain: Bytes,
    local_address: Bytes,
}

impl PeerCertificates {
    /// No certificates yet, at a proxy that validates them so.
    pub fn new(validation: CertificateValidation) -> Self {
        Self {
            validation,
            ..Self::default()
        }
    }

    /// The identity in the certificate of the connection that `host` is at.
    pub fn identity(&self, host: &impl Host) -> CertificateIdentity {
        let Some(digest) = host.property(DIGEST) else {
            return CertificateIdentity::Absent;
        };
        let mut by_digest = self.by_digest.take();
        let known = by_digest.get(&digest).cloned();
        let known = known.unwrap_or_else(|| {
            if by_digest.len() >= MOST {
                by_digest.clear();
            }
            let known = look_into_certificate(host);
            by_digest.insert(digest.clone(), known.clone());
            known
        });
        self.by_digest.set(by_digest);
        if self.is_validated(host, digest, known.not_after) {
            known.identity
        } else {
            CertificateIdentity::Unvalidated
        }
    }

    fn is_validated(&self, host: &impl Host, digest: Bytes, not_after: Option<Timestamp>) -> bool {
        if self.validation == CertificateValidation::ByListener {
            return true;
        }
        match host.property(IS_VALIDATED).as_deref() {
            None => self.validation == CertificateValidation::WhereReported,
            Some([1]) => {
                self.remember(host, digest, not_after);
                true
            }
            // A certificate that the listener could not validate, or a resumed session.
            Some(_) => self.is_remembered(host, digest),
        }
    }

    /// Without the name of the filter chain, without the time or without the certificate's end nothing
    /// is remembered.
    fn remember(&self, host: &impl Host, digest: Bytes, not_after: Option<Timestamp>) {
        let (Some(at), Some(not_after), Some(now)) =
            (ValidatedAt::here(host, digest), not_after, host.now())
        else {
            return;
        };
        let mut validated = self.validated.take();
        if validated.len() >= MOST && !validated.contains_key(&at) {
            validated.clear();
        }
        validated.insert(at, not_after.min(now.after(REMEMBERED)));
        self.validated.set(validated);
    }

    fn is_remembered(&self, host: &impl Host, digest: Bytes) -> bool {
        let validated = self.validated.take();
        let is_remembered = !validated.is_empty()
            && ValidatedAt::here(host, digest)
                .and_then(|at| validated.get(&at))
                .zip(host.now())
                .is_some_and(|(until, now)| now < *until);
        self.validated.set(validated);
        is_remembered
    }
}

impl ValidatedAt {
    fn here(host: &impl Host, digest: Bytes) -> Option<Self> {
        Some(Self {
            digest,
            filter_chain: host.property(FILTER_CHAIN)?,
            local_address: host.property(LOCAL_ADDRESS)?,
        })
    }
}

fn look_into_certificate(host: &impl Host) -> KnownCertificate {
    let read = host
        .property(CERTIFICATE)
        .map(|pem| Certificate::read(&pem));
    let count = read.as_ref().map(|read| Some(read.as_ref()?.uris));
    let identity = match (host.property(FIRST_URI_SAN), count) {
        (Some(san), None | Some(Some(1))) if san.len() <= MAX_ID => {
            CertificateIdentity::UriSan(san.into())
        }
        (None, None | Some(Some(0))) => CertificateIdentity::Absent,
        // More than one, one that is longer than any SPIFFE ID, or one that is empty, which the proxy
        // reports as none.
        (Some(_), _) | (_, Some(_)) => CertificateIdentity::Malformed,
    };
    KnownCertificate {
        identity,
        not_after: read.flatten().and_then(|read| read.not_after),
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

    fn identity(host: &FakeHost) -> CertificateIdentity {
        PeerCertificates::default().identity(host)
    }

    fn uri_san(san: &str) -> CertificateIdentity {
        CertificateIdentity::UriSan(san.as_bytes().into())
    }

    #[test]
    fn one_uri_san_is_the_identity() {
        assert_eq!(identity(&FakeHost::with_uri_sans(&[WEB])), uri_san(WEB));
    }

    #[test]
    fn several_uri_sans_are_malformed_also_where_they_are_alike() {
        for second in [ADMIN, WEB, "https://example.com/"] {
            let host = FakeHost::with_uri_sans(&[WEB, second]);
            assert_eq!(identity(&host), CertificateIdentity::Malformed, "{second}");
        }
    }

    #[test]
    fn no_uri_san_is_no_identity() {
        assert_eq!(
            identity(&FakeHost::with_uri_sans(&[])),
            CertificateIdentity::Absent
        );
        assert_eq!(
            identity(&FakeHost::anonymous()),
            CertificateIdentity::Absent
        );
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_malformed() {
        for pem in ["-", "-----BEGIN CERTIFICATE-----"] {
            let host = FakeHost::with_uri_sans(&[WEB]).with_property(CERTIFICATE, pem.as_bytes());
            assert_eq!(identity(&host), CertificateIdentity::Malformed, "{pem:?}");
        }
    }

    #[test]
    fn what_is_longer_than_a_spiffe_id_may_be_is_malformed_and_not_kept() {
        for (length, is_kept) in [(2048, true), (2049, false)] {
            let san = format!("{WEB}/{}", "a".repeat(length - WEB.len() - 1));
            let expected = if is_kept {
                uri_san(&san)
            } else {
                CertificateIdentity::Malformed
            };
            let uri_sans = &[&*san][..];
            assert_eq!(identity(&FakeHost::with_uri_sans(uri_sans)), expected);
            let before = FakeHost::with_uri_sans_before_envoy_1_38(uri_sans);
            assert_eq!(identity(&before), expected);
        }
    }

    #[test]
    fn without_the_certificate_the_first_uri_san_stands() {
        let host = FakeHost::with_uri_sans_before_envoy_1_38(&[WEB, ADMIN]);
        assert_eq!(identity(&host), uri_san(WEB));
    }

    #[test]
    fn what_was_found_is_kept_by_digest() {
        let certificates = PeerCertificates::default();
        for _ in 0..3 {
            let host = FakeHost::with_uri_sans(&[WEB, ADMIN]);
            assert_eq!(certificates.identity(&host), CertificateIdentity::Malformed);
            let host = FakeHost::with_uri_sans(&[WEB]);
            assert_eq!(certificates.identity(&host), uri_san(WEB));
        }
        let host = FakeHost::with_uri_sans(&[WEB]);
        assert_eq!(certificates.identity(&host), uri_san(WEB));
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
            assert_eq!(certificates.identity(&host), uri_san(WEB));
        }
        let kept = certificates.by_digest.take().len();
        assert_eq!(kept, 1);
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
            assert_eq!(identity(&host), uri_san(WEB));
            // Digest, SAN and certificate.
            assert_eq!(host.calls.answered.get(), 3);
        }
    }

    #[test]
    fn at_a_gateway_an_identity_counts_only_if_it_was_validated() {
        use CertificateValidation::{Required, WhereReported};
        let counts = uri_san(WEB);
        let unvalidated = CertificateIdentity::Unvalidated;
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
            let certificates = PeerCertificates::new(validation);
            let host = at_gateway(is_validated, "https", 443);
            assert_eq!(
                certificates.identity(&host),
                *expected,
                "{validation:?} {is_validated:?}"
            );
        }
    }

    #[test]
    fn without_a_certificate_there_is_none_to_validate() {
        let certificates = PeerCertificates::new(CertificateValidation::Required);
        let host = FakeHost::anonymous().with_property(IS_VALIDATED, NOT_VALID);
        assert_eq!(certificates.identity(&host), CertificateIdentity::Absent);
    }

    #[test]
    fn what_an_unvalidated_certificate_says_is_never_looked_at() {
        let certificates = PeerCertificates::new(CertificateValidation::WhereReported);
        for uri_sans in [&[][..], &[WEB, ADMIN], &["urn:web"]] {
            let host = FakeHost::with_uri_sans(uri_sans).with_property(IS_VALIDATED, NOT_VALID);
            assert_eq!(
                certificates.identity(&host),
                CertificateIdentity::Unvalidated
            );
        }
    }

    #[test]
    fn a_resumed_session_counts_where_its_certificate_was_validated() {
        let certificates = PeerCertificates::new(CertificateValidation::Required);
        let resumed = at_gateway(Some(NOT_VALID), "https", 443);
        assert_eq!(
            certificates.identity(&resumed),
            CertificateIdentity::Unvalidated
        );
        certificates.identity(&at_gateway(Some(VALID), "https", 443));
        assert_eq!(certificates.identity(&resumed), uri_san(WEB));
    }

    #[test]
    fn a_certificate_that_was_validated_elsewhere_does_not_count() {
        let certificates = PeerCertificates::new(CertificateValidation::Required);
        certificates.identity(&at_gateway(Some(VALID), "https", 443));
        for (filter_chain, port) in [("other", 443), ("https", 8443), ("", 443)] {
            let host = at_gateway(Some(NOT_VALID), filter_chain, port);
            assert_eq!(
                certificates.identity(&host),
                CertificateIdentity::Unvalidated,
                "{filter_chain} {port}"
            );
        }
        let other = at_gateway(Some(NOT_VALID), "https", 443).with_property(DIGEST, b"of another");
        assert_eq!(
            certificates.identity(&other),
            CertificateIdentity::Unvalidated
        );
    }

    #[test]
    fn a_filter_chain_without_a_name_is_not_remembered() {
        let certificates = PeerCertificates::new(CertificateValidation::Required);
        assert_eq!(
            certificates.identity(&at_gateway(Some(VALID), "", 443)),
            uri_san(WEB)
        );
        assert_eq!(
            certificates.identity(&at_gateway(Some(NOT_VALID), "", 443)),
            CertificateIdentity::Unvalidated
        );
    }

    #[test]
    fn what_was_validated_is_forgotten_after_minutes_and_when_the_certificate_ends() {
        let remembers = |not_after: Option<&str>, at: &str| {
            let certificates = PeerCertificates::new(CertificateValidation::Required);
            let not_after = not_after.map(|time| Timestamp::parse(time).unwrap());
            let first = at_gateway(Some(VALID), "https", 443);
            certificates.remember(&first, b"digest".to_vec(), not_after);
            let later = at_gateway(Some(NOT_VALID), "https", 443).at(at);
            certificates.is_remembered(&later, b"digest".to_vec())
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
    fn what_was_validated_is_bounded() {
        let certificates = PeerCertificates::new(CertificateValidation::Required);
        let host = at_gateway(Some(VALID), "https", 443);
        let not_after = Timestamp::parse("2027-06-01T12:00:00Z").ok();
        for number in 0..=MOST {
            certificates.remember(&host, number.to_le_bytes().to_vec(), not_after);
        }
        assert_eq!(certificates.validated.take().len(), 1);
    }
}
