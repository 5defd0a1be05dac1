//! Identities: SPIFFE IDs as in the SPIFFE ID specification, parsed without allocation.
//!
//! Like Envoy's RBAC, this compares bytes. An ID in another spelling (an upper-case trust domain, a
//! percent-encoded path) is malformed and never normalized into a match.

mod certificate_names;
mod client_certificate;

use thiserror::Error;

pub use certificate_names::CertificateNames;
pub(crate) use client_certificate::looks_like_id;
pub use client_certificate::{ClientCertificate, NameKind};

/// The scheme of SPIFFE IDs, with its separator.
pub const SCHEME: &str = "spiffe://";

/// The maximum length of a SPIFFE ID in bytes (SPIFFE ID specification, section 2.3).
pub const MAX_ID: usize = 2048;

/// The maximum length of a trust domain in bytes (SPIFFE ID specification, section 2.1).
const MAX_TRUST_DOMAIN: usize = 255;

/// Why a text is not the SPIFFE ID of a workload.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SpiffeIdError {
    /// It does not start with `spiffe://`.
    #[error("it does not begin with `spiffe://`")]
    Scheme,
    /// It is longer than the specification allows.
    #[error("it is longer than 2048 bytes")]
    TooLong,
    /// Its trust domain is empty, too long, or has characters outside `a-z0-9.-_`.
    #[error("its trust domain is not 1 to 255 characters of `a-z`, `0-9`, `.`, `-` and `_`")]
    TrustDomain,
    /// It has a trust domain but no path. A leaf certificate must have one (X.509-SVID
    /// specification, section 2).
    #[error("it has no path after the trust domain")]
    NoPath,
    /// A path segment is empty, `.`, `..`, or has characters outside `a-zA-Z0-9.-_`.
    #[error("its path has an empty, relative or invalid segment")]
    Path,
}

/// A valid SPIFFE ID of a workload, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpiffeId<'a> {
    id: &'a str,
    trust_domain: &'a str,
    path: &'a str,
}

impl<'a> SpiffeId<'a> {
    /// Parses a SPIFFE ID with a path (SPIFFE ID specification, section 2).
    pub fn parse(id: &'a [u8]) -> Result<Self, SpiffeIdError> {
        if id.len() > MAX_ID {
            return Err(SpiffeIdError::TooLong);
        }
        let id = std::str::from_utf8(id).map_err(|_| SpiffeIdError::Path)?;
        let rest = id.strip_prefix(SCHEME).ok_or(SpiffeIdError::Scheme)?;
        let path_start = rest.find('/').unwrap_or(rest.len());
        let (trust_domain, path) = rest.split_at_checked(path_start).unwrap_or_default();
        if !is_trust_domain(trust_domain) {
            return Err(SpiffeIdError::TrustDomain);
        }
        let Some(segments) = path.strip_prefix('/') else {
            return Err(SpiffeIdError::NoPath);
        };
        if !are_path_segments(segments.as_bytes()) {
            return Err(SpiffeIdError::Path);
        }
        Ok(Self {
            id,
            trust_domain,
            path,
        })
    }

    /// The whole ID, with its scheme.
    #[inline]
    pub fn as_str(&self) -> &'a str {
        self.id
    }

    /// The trust domain, without scheme and slashes.
    #[inline]
    pub fn trust_domain(&self) -> &'a str {
        self.trust_domain
    }

    /// The path, with its leading slash.
    pub fn path(&self) -> &'a str {
        self.path
    }
}

/// A valid SPIFFE ID of a workload, owned, so that it is parsed only once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedSpiffeId {
    id: String,
    /// The length of the trust domain in bytes.
    trust_domain: usize,
}

impl OwnedSpiffeId {
    /// Parses a SPIFFE ID like [`SpiffeId::parse`].
    pub fn parse(id: Vec<u8>) -> Result<Self, SpiffeIdError> {
        let trust_domain = SpiffeId::parse(&id)?.trust_domain().len();
        let id = String::from_utf8(id).map_err(|_| SpiffeIdError::Path)?;
        Ok(Self { id, trust_domain })
    }

    /// The ID, without parsing it again.
    #[inline]
    pub fn borrowed(&self) -> SpiffeId<'_> {
        let rest = self.id.get(SCHEME.len()..).unwrap_or_default();
        let (trust_domain, path) = rest.split_at_checked(self.trust_domain).unwrap_or_default();
        SpiffeId {
            id: &self.id,
            trust_domain,
            path,
        }
    }
}

/// Whether `text` is a trust domain name (SPIFFE ID specification, section 2.1).
pub fn is_trust_domain(text: &str) -> bool {
    (1..=MAX_TRUST_DOMAIN).contains(&text.len()) && text.bytes().all(is_trust_domain_byte)
}

/// Which bytes each part may contain. A table, because an ID is parsed for each request.
const TRUST_DOMAIN: u8 = 1;
const PATH: u8 = 2;
#[expect(
    clippy::indexing_slicing,
    reason = "the compiler evaluates it, and would refuse an index out of range"
)]
const ALLOWED_IN: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        table[byte as usize] = match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' => TRUST_DOMAIN | PATH,
            b'A'..=b'Z' => PATH,
            _ => 0,
        };
        byte += 1;
    }
    table
};

fn is_allowed_in(part: u8, byte: u8) -> bool {
    ALLOWED_IN
        .get(usize::from(byte))
        .is_some_and(|parts| parts & part != 0)
}

pub(crate) fn is_trust_domain_byte(byte: u8) -> bool {
    is_allowed_in(TRUST_DOMAIN, byte)
}

pub(crate) fn is_path_byte(byte: u8) -> bool {
    is_allowed_in(PATH, byte)
}

pub(crate) fn is_path_segment(segment: &str) -> bool {
    !segment.contains('/') && are_path_segments(segment.as_bytes())
}

/// Whether `bytes` are segments joined by slashes, none of them empty, `.` or `..`.
fn are_path_segments(bytes: &[u8]) -> bool {
    let is_segment = |length: usize, dots: usize| length > 2 || length > dots;
    let (mut length, mut dots) = (0, 0);
    for &byte in bytes {
        if byte == b'/' {
            if !is_segment(length, dots) {
                return false;
            }
            (length, dots) = (0, 0);
        } else if is_path_byte(byte) {
            length += 1;
            dots += usize::from(byte == b'.');
        } else {
            return false;
        }
    }
    is_segment(length, dots)
}

/// The caller's identity according to the handshake. The states are separate, so that an unreadable
/// certificate is never mistaken for a missing one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerIdentity<'a> {
    /// No identity was presented: plaintext, or no client certificate.
    Absent,
    /// The proxy did not validate the certificate. It proves nothing, so the caller has no
    /// identity.
    Unvalidated,
    /// The caller did not present exactly one SPIFFE ID.
    Malformed,
    /// The SPIFFE ID that the handshake verified.
    Verified(SpiffeId<'a>),
}

impl<'a> PeerIdentity<'a> {
    /// Reads the URI SAN that the proxy reports. Several SANs joined by commas, as some proxies
    /// report them, are malformed: an X.509-SVID has exactly one (X.509-SVID specification, section
    /// 2).
    pub fn from_uri_san(san: Option<&'a [u8]>) -> Self {
        match san {
            None => Self::Absent,
            Some(san) => SpiffeId::parse(san).map_or(Self::Malformed, Self::Verified),
        }
    }
}

/// The trust domains whose identities a mesh accepts: its own, then its aliases. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustDomains(Vec<Box<str>>);

impl TrustDomains {
    /// The mesh's own trust domain and its aliases. `None` if a name is invalid.
    pub fn new<S: AsRef<str>>(own: &str, aliases: &[S]) -> Option<Self> {
        let names = std::iter::once(own).chain(aliases.iter().map(AsRef::as_ref));
        names
            .map(|name| is_trust_domain(name).then(|| name.into()))
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }

    /// The mesh's own trust domain.
    pub fn own(&self) -> &str {
        self.0.first().map_or("", |name| name)
    }

    /// The aliases of the mesh's trust domain.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.iter().skip(1)
    }

    /// All trust domains, the mesh's own first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Whether identities of this trust domain belong to the mesh.
    #[inline]
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|known| known == name)
    }
}

#[cfg(test)]
mod tests;
