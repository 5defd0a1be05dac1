//! As much of X.509 as it takes to count the names of a certificate.
//!
//! The handshake has verified all else. The walk is strict: what is not one certificate, in PEM
//! and DER, gives no number.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use policy_schema::identity::SCHEME;

const PEM_BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const PEM_END: &[u8] = b"-----END CERTIFICATE-----";

/// X.690 tags.
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `TBSCertificate.extensions` (RFC 5280, section 4.1).
const EXTENSIONS: u8 = 0xa3;
/// `GeneralName.dNSName` and `GeneralName.uniformResourceIdentifier` (RFC 5280, section 4.2.1.6).
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
/// 2.5.29.17, `subjectAltName`.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// How many names of a kind a certificate has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NameCounts {
    /// URI SANs, and DNS SANs that read as a SPIFFE ID: Envoy's RBAC takes them for one.
    pub ids: usize,
    /// Other DNS SANs.
    pub dns: usize,
}

/// Counts the names of a certificate in PEM; none when it is not one.
pub fn count_names(pem: &[u8]) -> Option<NameCounts> {
    let der = der_of(pem)?;
    let mut certificate = Elements(only(&der, SEQUENCE)?);
    let mut to_be_signed = Elements(certificate.expect_tag(SEQUENCE)?);
    let mut counts = NameCounts::default();
    while let Some((tag, content)) = to_be_signed.next()? {
        if tag == EXTENSIONS {
            count_in_extensions(only(content, SEQUENCE)?, &mut counts)?;
        }
    }
    Some(counts)
}

fn count_in_extensions(extensions: &[u8], counts: &mut NameCounts) -> Option<()> {
    let mut extensions = Elements(extensions);
    while let Some((_, extension)) = extensions.next()? {
        let mut fields = Elements(extension);
        if fields.expect_tag(OBJECT_IDENTIFIER)? != SUBJECT_ALT_NAME {
            continue;
        }
        // `critical` may stand before the value.
        while let Some((tag, content)) = fields.next()? {
            if tag == OCTET_STRING {
                count_in_names(only(content, SEQUENCE)?, counts)?;
            }
        }
    }
    Some(())
}

fn count_in_names(names: &[u8], counts: &mut NameCounts) -> Option<()> {
    let mut names = Elements(names);
    while let Some((tag, name)) = names.next()? {
        match tag {
            URI => counts.ids += 1,
            DNS if name.starts_with(SCHEME.as_bytes()) => counts.ids += 1,
            DNS => counts.dns += 1,
            _ => {}
        }
    }
    Some(())
}

/// The content of the one element that `der` is, which must have this tag.
fn only(der: &[u8], tag: u8) -> Option<&[u8]> {
    let mut elements = Elements(der);
    let content = elements.expect_tag(tag)?;
    elements.0.is_empty().then_some(content)
}

/// DER elements, one after the other.
struct Elements<'d>(&'d [u8]);

impl<'d> Elements<'d> {
    /// Tag and content of the next element, `Some(None)` after the last; `None` when the bytes are
    /// not DER.
    #[expect(
        clippy::option_option,
        reason = "so that `?` leaves on bad DER, as everywhere here"
    )]
    fn next(&mut self) -> Option<Option<(u8, &'d [u8])>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let (&[tag, length], mut rest) = self.0.split_first_chunk()?;
        let length = match length {
            0..=0x7f => usize::from(length),
            // No certificate is as large as 16 MiB.
            0x81..=0x83 => {
                let (bytes, after) = rest.split_at_checked(usize::from(length & 0x7f))?;
                rest = after;
                bytes
                    .iter()
                    .fold(0, |length, &byte| length << 8 | usize::from(byte))
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Some((tag, content)))
    }

    /// The content of the next element, which must have this tag.
    fn expect_tag(&mut self, tag: u8) -> Option<&'d [u8]> {
        let (found, content) = self.next()??;
        (found == tag).then_some(content)
    }
}

/// What stands in base64 between the two lines of a PEM certificate.
fn der_of(pem: &[u8]) -> Option<Vec<u8>> {
    let body = pem
        .trim_ascii()
        .strip_prefix(PEM_BEGIN)?
        .strip_suffix(PEM_END)?;
    let base64: Vec<u8> = body
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    STANDARD.decode(base64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_host::{ADMIN, WEB, certificate};

    #[test]
    fn uri_sans_and_dns_sans_are_counted() {
        let cases: [(&[&str], &[&str], usize, usize); 9] = [
            (&[], &[], 0, 0),
            (&[], &["web.shop"], 0, 1),
            (&[WEB], &[], 1, 0),
            (&[WEB], &["web.shop", "web"], 1, 2),
            (&[WEB, ADMIN], &[], 2, 0),
            (&[WEB, WEB, WEB], &["web.shop"], 3, 1),
            (&[], &["", ADMIN], 1, 1),
            (&[WEB], &[ADMIN], 2, 0),
            (&[WEB], &["https://web.shop", "spiffe:/web"], 1, 2),
        ];
        for (uri_sans, dns_sans, ids, dns) in cases {
            let pem = certificate(uri_sans, dns_sans);
            let expected = Some(NameCounts { ids, dns });
            assert_eq!(count_names(pem.as_bytes()), expected, "{pem}");
        }
    }

    #[test]
    fn names_longer_than_one_byte_can_say_are_walked_over() {
        let path = "a".repeat(1500);
        let long = format!("spiffe://cluster.local/{path}");
        for count in [1, 2, 60] {
            let pem = certificate(&vec![&*long; count], &["web.shop"]);
            let expected = Some(NameCounts { ids: count, dns: 1 });
            assert_eq!(count_names(pem.as_bytes()), expected);
        }
    }

    #[test]
    fn lines_may_end_as_they_like() {
        let pem = certificate(&[WEB], &[]);
        for pem in [
            pem.replace('\n', "\r\n"),
            pem.trim_end().to_owned(),
            pem.replace("\r\n", "\n"),
        ] {
            let expected = Some(NameCounts { ids: 1, dns: 0 });
            assert_eq!(count_names(pem.as_bytes()), expected);
        }
    }

    #[test]
    fn what_is_not_one_certificate_has_no_count() {
        let pem = certificate(&[WEB], &[]);
        let other = certificate(&[ADMIN], &[]);
        for text in [
            String::new(),
            "-----BEGIN CERTIFICATE-----".to_owned(),
            "-----BEGIN CERTIFICATE----------END CERTIFICATE-----".to_owned(),
            pem.replace("CERTIFICATE", "PUBLIC KEY"),
            pem.replace(
                "-----BEGIN CERTIFICATE-----\n",
                "-----BEGIN CERTIFICATE-----\n!",
            ),
            pem.replace("-----END", "AAAA\n-----END"),
            format!("{pem}{other}"),
        ] {
            assert_eq!(count_names(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn no_cut_or_changed_certificate_counts_as_good_by_accident() {
        let der = der_of(certificate(&[WEB, ADMIN], &["web.shop"]).as_bytes()).unwrap();
        let pem_of = |der: &[u8]| {
            let body = STANDARD.encode(der);
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n").into_bytes()
        };
        let expected = Some(NameCounts { ids: 2, dns: 1 });
        assert_eq!(count_names(&pem_of(&der)), expected);
        for length in 0..der.len() {
            assert_eq!(count_names(&pem_of(&der[..length])), None, "{length}");
        }
        // Whatever the change, it ends, without a panic.
        for position in 0..der.len() {
            for value in [0, 0x30, 0x7f, 0x80, 0x83, 0xff] {
                let mut changed = der.clone();
                changed[position] = value;
                count_names(&pem_of(&changed));
            }
        }
    }
}
