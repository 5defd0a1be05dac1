//! How many URI names a certificate has.
//!
//! An X.509-SVID has exactly one (X.509-SVID specification, section 2). The proxy's
//! `connection.uri_san_peer_certificate` is the first of them, however many there are, while
//! Envoy's RBAC matches any of them. So the certificate itself is looked at; only its names are
//! counted, since the handshake has verified all else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// X.690 tags.
const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
/// `TBSCertificate.extensions` (RFC 5280, section 4.1).
const EXTENSIONS: u8 = 0xa3;
/// `GeneralName.uniformResourceIdentifier` (RFC 5280, section 4.2.1.6).
const URI: u8 = 0x86;
/// 2.5.29.17, `subjectAltName`.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// The number of URI names of the first certificate in `pem`; none when it is not a certificate.
pub(crate) fn count_uri_names(pem: &[u8]) -> Option<usize> {
    let pem = std::str::from_utf8(pem).ok()?;
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let encoded: Vec<u8> = body
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    count_uri_names_of_der(&STANDARD.decode(encoded).ok()?)
}

fn count_uri_names_of_der(der: &[u8]) -> Option<usize> {
    let certificate = Elements(der).expect(SEQUENCE)?;
    let to_be_signed = Elements(certificate).expect(SEQUENCE)?;
    let mut count = 0;
    for element in Elements(to_be_signed) {
        let (tag, content) = element?;
        if tag == EXTENSIONS {
            for extension in Elements(Elements(content).expect(SEQUENCE)?) {
                let (_, extension) = extension?;
                count += count_uri_names_of_extension(extension)?;
            }
        }
    }
    Some(count)
}

fn count_uri_names_of_extension(extension: &[u8]) -> Option<usize> {
    let mut fields = Elements(extension);
    if fields.expect(OBJECT_IDENTIFIER)? != SUBJECT_ALT_NAME {
        return Some(0);
    }
    // `critical` may stand between.
    let value = fields.find_map(|field| match field {
        Some((OCTET_STRING, content)) => Some(content),
        _ => None,
    })?;
    let mut count = 0;
    for name in Elements(Elements(value).expect(SEQUENCE)?) {
        let (tag, _) = name?;
        count += usize::from(tag == URI);
    }
    Some(count)
}

/// The DER elements of a range, one after the other, as tag and content. Yields `None` once, and
/// then ends, where the bytes are not DER.
struct Elements<'d>(&'d [u8]);

impl<'d> Elements<'d> {
    /// The content of the next element, which must have this tag.
    fn expect(&mut self, tag: u8) -> Option<&'d [u8]> {
        match self.next() {
            Some(Some((found, content))) if found == tag => Some(content),
            _ => None,
        }
    }

    fn read(&mut self) -> Option<(u8, &'d [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..0x80 => (usize::from(first), rest),
            // Certificates are far below 16 MiB.
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = bytes
                    .iter()
                    .fold(0, |length, &byte| length << 8 | usize::from(byte));
                (length, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}

impl<'d> Iterator for Elements<'d> {
    type Item = Option<(u8, &'d [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let element = self.read();
        if element.is_none() {
            self.0 = &[];
        }
        Some(element)
    }
}
