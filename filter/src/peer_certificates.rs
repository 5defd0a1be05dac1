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
//! A certificate without a URI SAN is anonymous only if it has no other name that Envoy's RBAC
//! takes for the caller's: neither a DNS SAN nor a subject.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use policy_schema::identity::MAX_ID;
use rustc_hash::FxHashMap;

use crate::certificate::{NameCounts, count_names};
use crate::host::{Bytes, Host};

const DIGEST: &[u8] = b"connection\0sha256_peer_certificate_digest";
const FIRST_URI_SAN: &[u8] = b"connection\0uri_san_peer_certificate";
const FIRST_DNS_SAN: &[u8] = b"connection\0dns_san_peer_certificate";
const SUBJECT: &[u8] = b"connection\0subject_peer_certificate";
const CERTIFICATE: &[u8] = b"connection\0peer_certificate";

/// How many certificates are kept. Callers renew theirs several times a day, so in the end the
/// dead ones fill the place; then all are forgotten, and the living are looked into once more.
const MOST: usize = 1024;

/// What a certificate says of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateIdentity {
    /// Nothing: there is no certificate, or it has no URI SAN, no DNS SAN and no subject.
    Absent,
    /// Names other than one URI SAN.
    Malformed,
    /// The only URI SAN, be it a SPIFFE ID or not. No longer than one may be, so that what is kept is
    /// bounded.
    UriSan(Rc<[u8]>),
}

/// The certificates that a policy's callers have shown.
#[derive(Default)]
pub struct PeerCertificates {
    by_digest: Cell<FxHashMap<Bytes, CertificateIdentity>>,
}

impl PeerCertificates {
    /// The identity in the certificate of the connection that `host` is at.
    pub fn identity(&self, host: &impl Host) -> CertificateIdentity {
        let Some(digest) = host.property(DIGEST) else {
            return CertificateIdentity::Absent;
        };
        let mut by_digest = self.by_digest.take();
        let known = by_digest.get(&digest).cloned();
        let identity = known.unwrap_or_else(|| {
            if by_digest.len() >= MOST {
                by_digest.clear();
            }
            let identity = look_into_certificate(host);
            by_digest.insert(digest, identity.clone());
            identity
        });
        self.by_digest.set(by_digest);
        identity
    }
}

fn look_into_certificate(host: &impl Host) -> CertificateIdentity {
    let counts = host.property(CERTIFICATE).map(|pem| count_names(&pem));
    match (host.property(FIRST_URI_SAN), counts) {
        (Some(san), None | Some(Some(NameCounts { ids: 1, .. }))) if san.len() <= MAX_ID => {
            CertificateIdentity::UriSan(san.into())
        }
        (None, None | Some(Some(NameCounts { ids: 0, dns: 0 }))) if !is_named_otherwise(host) => {
            CertificateIdentity::Absent
        }
        // More than one, none but a name of another kind, one that is longer than any SPIFFE ID, or
        // one that is empty, which the proxy reports as none.
        _ => CertificateIdentity::Malformed,
    }
}

/// Whether the certificate names the caller without a URI SAN.
fn is_named_otherwise(host: &impl Host) -> bool {
    [FIRST_DNS_SAN, SUBJECT]
        .into_iter()
        .any(|name| host.property(name).is_some())
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
    fn a_certificate_with_names_of_other_kinds_alone_is_malformed_and_not_anonymous() {
        for name in [FIRST_DNS_SAN, SUBJECT] {
            let host = FakeHost::with_uri_sans(&[]).with_property(name, b"CN=web");
            assert_eq!(identity(&host), CertificateIdentity::Malformed);
            let host = FakeHost::with_uri_sans(&[WEB]).with_property(name, b"CN=web");
            assert_eq!(identity(&host), uri_san(WEB));
        }
    }

    #[test]
    fn a_dns_san_that_reads_as_a_spiffe_id_is_malformed() {
        for uri_sans in [&[][..], &[WEB]] {
            let pem = certificate(uri_sans, &["web.shop", ADMIN]);
            let host = FakeHost::with_uri_sans(uri_sans).with_property(CERTIFICATE, pem.as_bytes());
            assert_eq!(identity(&host), CertificateIdentity::Malformed);
        }
    }

    #[test]
    fn a_certificate_that_cannot_be_read_is_malformed() {
        for pem in ["", "-", "-----BEGIN CERTIFICATE-----"] {
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
}
