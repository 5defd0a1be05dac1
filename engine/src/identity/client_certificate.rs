//! Callers from outside the mesh, by their client certificates, which a gateway validated.
//!
//! Such a certificate has names of several kinds, and a rule says which kind it matches. Names of
//! different kinds are never compared, so a subject that reads like a URI is not a URI. A
//! certificate that could pass for an identity of the mesh is rejected.

use std::fmt;

use super::{MAX_ID, SpiffeId};

/// The kind of a name in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameKind {
    /// A DNS name among the subject alternative names.
    Dns,
    /// A URI among the subject alternative names.
    Uri,
    /// The subject in the form of RFC 2253.
    Subject,
}

/// The names of a client certificate from outside the mesh that the gateway validated. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    names: Vec<(NameKind, Box<str>)>,
}

/// The maximum number of names in a certificate, and of bytes in all names together. Larger
/// certificates are rejected, which bounds the cost of a request.
const MAX_NAMES: usize = 64;
const MAX_BYTES: usize = 8192;

impl NameKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Dns, Self::Uri, Self::Subject];

    /// The prefix of names of this kind, with the separator.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Dns => "dns:",
            Self::Uri => "uri:",
            Self::Subject => "subject:",
        }
    }

    /// Splits `KIND:NAME`.
    pub fn split(text: &str) -> Option<(Self, &str)> {
        let mut kinds = Self::ALL.into_iter();
        kinds.find_map(|kind| Some((kind, text.strip_prefix(kind.prefix())?)))
    }
}

impl ClientCertificate {
    /// A certificate with these names. `None` if there are none, or if any name has unexpected
    /// characters or could pass for a SPIFFE ID. A SPIFFE ID is accepted only as the certificate's
    /// single URI (X.509-SVID specification, section 2).
    pub fn new<'n>(names: impl IntoIterator<Item = (NameKind, &'n [u8])>) -> Option<Self> {
        let mut known: Vec<(NameKind, Box<str>)> = Vec::new();
        let (mut length, mut uris, mut ids) = (0_usize, 0, 0);
        for (kind, name) in names {
            length = length.saturating_add(name.len());
            if length > MAX_BYTES || known.len() >= MAX_NAMES {
                return None;
            }
            let name = std::str::from_utf8(name).ok()?;
            if !is_name(kind, name) {
                return None;
            }
            let is_id = looks_like_id(name);
            uris += usize::from(kind == NameKind::Uri);
            ids += usize::from(is_id);
            if is_id && (kind != NameKind::Uri || SpiffeId::parse(name.as_bytes()).is_err()) {
                return None;
            }
            let name = match kind {
                NameKind::Dns => name.to_ascii_lowercase().into(),
                NameKind::Uri | NameKind::Subject => name.into(),
            };
            known.push((kind, name));
        }
        (!known.is_empty() && (ids == 0 || uris == 1)).then_some(Self { names: known })
    }

    /// Parses names of the form `KIND:NAME`.
    pub fn parse<'t>(texts: impl IntoIterator<Item = &'t str>) -> Option<Self> {
        let mut names = Vec::new();
        for text in texts {
            let (kind, name) = NameKind::split(text)?;
            names.push((kind, name.as_bytes()));
        }
        Self::new(names)
    }

    /// The names, DNS names in lower case.
    pub fn names(&self) -> impl Iterator<Item = (NameKind, &str)> {
        self.names.iter().map(|(kind, name)| (*kind, &**name))
    }
}

/// The names as `KIND:NAME`, one per line. No name contains a line break.
impl fmt::Display for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (kind, name)) in self.names().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            f.write_str(kind.prefix())?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// The prefix of a SPIFFE ID.
const ID: &str = "spiffe:";

/// Whether a text starts like a SPIFFE ID, in any case.
pub(crate) fn looks_like_id(name: &str) -> bool {
    name.get(..ID.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(ID))
}

/// Whether a name of this kind may have these characters and this length.
fn is_name(kind: NameKind, name: &str) -> bool {
    let has_length = (1..=MAX_ID).contains(&name.len());
    let has_only = |is_good: fn(&u8) -> bool| name.as_bytes().iter().all(is_good);
    has_length
        && match kind {
            // With a trailing dot it would be another spelling of the same name.
            NameKind::Dns => {
                !name.ends_with('.')
                    && has_only(|byte| {
                        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'*')
                    })
            }
            NameKind::Uri => has_only(u8::is_ascii_graphic),
            NameKind::Subject => !name.contains(char::is_control),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> Option<String> {
        ClientCertificate::parse(texts.iter().copied()).map(|known| known.to_string())
    }

    #[test]
    fn names_keep_their_kind() {
        for (texts, expected) in [
            (&["dns:Partner.example"][..], "dns:partner.example"),
            (&["dns:*.partner.example"], "dns:*.partner.example"),
            (
                &["uri:https://partner.example/7"],
                "uri:https://partner.example/7",
            ),
            (
                &["subject:CN=7,O=Partner\\, Inc."],
                "subject:CN=7,O=Partner\\, Inc.",
            ),
            (
                &["uri:spiffe://partner.example/7"],
                "uri:spiffe://partner.example/7",
            ),
            (
                &["uri:urn:a", "uri:urn:b", "dns:a.example", "subject:CN=a"],
                "uri:urn:a\nuri:urn:b\ndns:a.example\nsubject:CN=a",
            ),
        ] {
            assert_eq!(names(texts).as_deref(), Some(expected));
        }
    }

    #[test]
    fn rejects_ambiguous_or_invalid_names() {
        let long = format!("uri:urn:{}", "a".repeat(MAX_ID));
        for texts in [
            &[][..],
            &["partner.example"],
            &["dns:"],
            &["dns:partner.example\0.evil.example"],
            &["dns:partner example"],
            &["dns:partner.example."],
            &["dns:a.example", "dns:partner.example.."],
            &["dns:."],
            &["dns:spiffe://cluster.local/ns/shop/sa/web"],
            &["subject:spiffe://cluster.local/ns/shop/sa/web"],
            &["subject:SPIFFE:x"],
            &["subject:CN=a\nb"],
            &["subject:CN=a\0"],
            &["uri:"],
            &["uri:urn:a b"],
            &["uri:urn:a\0"],
            &["uri:urn:ä"],
            &["uri:spiffe://partner.example"],
            &["uri:SPIFFE://cluster.local/ns/shop/sa/web"],
            &["uri:spiffe://partner.example/7", "uri:urn:a"],
            &["uri:urn:a", "uri:spiffe://cluster.local/ns/shop/sa/web"],
            &["uri:spiffe://a.example/7", "uri:spiffe://b.example/7"],
            &["dns:partner.example", "uri:"],
            &[&long],
        ] {
            assert_eq!(names(texts), None, "{texts:?}");
        }
        assert_eq!(
            ClientCertificate::new([(NameKind::Uri, &b"urn:\xff"[..])]),
            None
        );
        let many = vec![(NameKind::Uri, &b"urn:a"[..]); MAX_NAMES + 1];
        assert_eq!(ClientCertificate::new(many), None);
    }
}
