//! Parses the parts of X.509 that contain the names and the end of validity of a certificate.
//!
//! The handshake has verified everything else. The parser is strict: it rejects anything but a
//! single certificate in PEM and DER.

use base64ct::{Base64, Encoding as _};
use peergate_engine::identity::{NameKind, SCHEME};
use peergate_engine::timestamp::Timestamp;

const PEM_BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const PEM_END: &[u8] = b"-----END CERTIFICATE-----";

/// X.690 tags.
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// `TBSCertificate.extensions` (RFC 5280, section 4.1).
const EXTENSIONS: u8 = 0xa3;
/// The position of `TBSCertificate.validity` among the sequences of a `TBSCertificate`, from 0.
const VALIDITY: usize = 2;
/// `GeneralName.dNSName` and `GeneralName.uniformResourceIdentifier` (RFC 5280, section 4.2.1.6).
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
/// 2.5.29.17, `subjectAltName`.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// The relevant contents of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Its URI SANs and DNS SANs.
    pub names: Vec<(NameKind, Vec<u8>)>,
    /// The end of validity; `None` if the time cannot be read.
    pub not_after: Option<Timestamp>,
}

impl Certificate {
    /// Parses a certificate in PEM; `None` if it is not one.
    pub fn read(pem: &[u8]) -> Option<Self> {
        let der = decode_pem(pem)?;
        let mut certificate = Elements(single_element(&der, SEQUENCE)?);
        let mut to_be_signed = Elements(certificate.expect_tag(SEQUENCE)?);
        let mut read = Self::default();
        let mut sequences = 0;
        while let Some((tag, content)) = to_be_signed.next()? {
            if tag == EXTENSIONS {
                read.add_extensions(single_element(content, SEQUENCE)?)?;
            } else if tag == SEQUENCE {
                if sequences == VALIDITY {
                    read.not_after = end_of_validity(content);
                }
                sequences += 1;
            }
        }
        Some(read)
    }

    /// The number of names that Envoy's RBAC reads as SPIFFE IDs: URI SANs, and DNS SANs that look
    /// like one.
    pub fn ids(&self) -> usize {
        let is_id = |(kind, name): &&(NameKind, Vec<u8>)| {
            *kind == NameKind::Uri || name.starts_with(SCHEME.as_bytes())
        };
        self.names.iter().filter(is_id).count()
    }

    fn add_extensions(&mut self, extensions: &[u8]) -> Option<()> {
        let mut extensions = Elements(extensions);
        while let Some((_, extension)) = extensions.next()? {
            let mut fields = Elements(extension);
            if fields.expect_tag(OBJECT_IDENTIFIER)? != SUBJECT_ALT_NAME {
                continue;
            }
            // `critical` is optional and precedes the value.
            while let Some((tag, content)) = fields.next()? {
                if tag == OCTET_STRING {
                    self.add_names(single_element(content, SEQUENCE)?)?;
                }
            }
        }
        Some(())
    }

    fn add_names(&mut self, names: &[u8]) -> Option<()> {
        let mut names = Elements(names);
        while let Some((tag, name)) = names.next()? {
            let kind = match tag {
                DNS => NameKind::Dns,
                URI => NameKind::Uri,
                _ => continue,
            };
            self.names.push((kind, name.to_vec()));
        }
        Some(())
    }
}

/// The end of a `Validity`.
fn end_of_validity(validity: &[u8]) -> Option<Timestamp> {
    let mut times = Elements(validity);
    times.next()??;
    let (tag, time) = times.next()??;
    let time = std::str::from_utf8(time).ok()?;
    let (century, rest) = match tag {
        // RFC 5280, section 4.1.2.5.1.
        UTC_TIME if time.get(..2)? < "50" => ("20", time),
        UTC_TIME => ("19", time),
        GENERALIZED_TIME => time.split_at_checked(2)?,
        _ => return None,
    };
    let mut text = century.to_owned();
    // RFC 3339 has a separator between most of the two-digit parts.
    for (position, byte) in rest.chars().enumerate() {
        match position {
            2 | 4 => text.push('-'),
            6 => text.push('T'),
            8 | 10 => text.push(':'),
            _ => {}
        }
        text.push(byte);
    }
    Timestamp::parse(&text).ok()
}

/// The content of `der`, which must be a single element with this tag.
fn single_element(der: &[u8], tag: u8) -> Option<&[u8]> {
    let mut elements = Elements(der);
    let content = elements.expect_tag(tag)?;
    elements.0.is_empty().then_some(content)
}

/// Iterates over consecutive DER elements.
struct Elements<'d>(&'d [u8]);

impl<'d> Elements<'d> {
    /// Tag and content of the next element, `Some(None)` after the last; `None` if the bytes are
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

/// Decodes the base64 between the two lines of a PEM certificate.
fn decode_pem(pem: &[u8]) -> Option<Vec<u8>> {
    let body = pem
        .trim_ascii()
        .strip_prefix(PEM_BEGIN)?
        .strip_suffix(PEM_END)?;
    let mut bytes: Vec<u8> = body
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let length = Base64::decode_in_place(&mut bytes).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_host::{ADMIN, WEB, certificate, certificate_until};

    fn count(pem: &[u8]) -> Option<usize> {
        Some(Certificate::read(pem)?.ids())
    }

    #[test]
    fn counts_names_that_rbac_reads_as_ids() {
        let cases: [(&[&str], &[&str], usize); 9] = [
            (&[], &[], 0),
            (&[], &["web.shop"], 0),
            (&[WEB], &[], 1),
            (&[WEB], &["web.shop", "web"], 1),
            (&[WEB, ADMIN], &[], 2),
            (&[WEB, WEB, WEB], &["web.shop"], 3),
            (&[], &["", ADMIN], 1),
            (&[WEB], &[ADMIN], 2),
            (&[WEB], &["https://web.shop", "spiffe:/web"], 1),
        ];
        for (uri_sans, dns_sans, expected) in cases {
            let pem = certificate(uri_sans, dns_sans);
            assert_eq!(count(pem.as_bytes()), Some(expected), "{pem}");
        }
    }

    #[test]
    fn skips_names_with_long_lengths() {
        let path = "a".repeat(1500);
        let long = format!("spiffe://cluster.local/{path}");
        for names in [1, 2, 60] {
            let pem = certificate(&vec![&*long; names], &["web.shop"]);
            assert_eq!(count(pem.as_bytes()), Some(names));
        }
    }

    #[test]
    fn accepts_any_line_ending() {
        let pem = certificate(&[WEB], &[]);
        for pem in [
            pem.replace('\n', "\r\n"),
            pem.trim_end().to_owned(),
            pem.replace("\r\n", "\n"),
        ] {
            assert_eq!(count(pem.as_bytes()), Some(1));
        }
    }

    #[test]
    fn rejects_anything_but_one_certificate() {
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
            assert_eq!(count(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn rejects_truncated_and_altered_certificates() {
        let der = decode_pem(certificate(&[WEB, ADMIN], &["web.shop"]).as_bytes()).unwrap();
        let pem_of = |der: &[u8]| {
            let body = Base64::encode_string(der);
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n").into_bytes()
        };
        assert_eq!(count(&pem_of(&der)), Some(2));
        for length in 0..der.len() {
            assert_eq!(count(&pem_of(&der[..length])), None, "{length}");
        }
        // Parsing must end without a panic for any change.
        for position in 0..der.len() {
            for value in [0, 0x30, 0x7f, 0x80, 0x83, 0xff] {
                let mut changed = der.clone();
                changed[position] = value;
                count(&pem_of(&changed));
            }
        }
    }

    #[test]
    fn parses_both_time_formats() {
        for (year, time) in [
            (2031, "2031-02-03T00:00:00Z"),
            (2049, "2049-02-03T00:00:00Z"),
            (2050, "2050-02-03T00:00:00Z"),
        ] {
            let pem = certificate_until(year, 2, 3);
            let read = Certificate::read(pem.as_bytes()).unwrap();
            assert_eq!(read.not_after, Some(Timestamp::parse(time).unwrap()));
        }
    }

    #[test]
    fn rejects_invalid_times() {
        for time in [
            "",
            "30",
            "301332000000Z",
            "300203000000",
            "300203000000+0100",
            "3002030000Z",
        ] {
            let length = u8::try_from(time.len()).unwrap();
            let time = [&[UTC_TIME, length], time.as_bytes()].concat();
            assert_eq!(
                end_of_validity(&[&time[..], &time].concat()),
                None,
                "{time:?}"
            );
        }
    }
}
