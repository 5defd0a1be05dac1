//! Callers in the syntax of `--from`.

use policy_schema::identity::{
    CertificateNames, ClientCertificate, NameKind, PeerIdentity, SCHEME, SpiffeId,
};
use policy_schema::policy::Mesh;

/// The caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestCaller {
    /// A caller without a client certificate.
    Anonymous,
    /// A caller with an unvalidated certificate.
    Unvalidated,
    /// A caller whose certificate has these names.
    Certificate {
        /// All names.
        names: CertificateNames,
        /// The client certificate from outside the mesh, if the filter can evaluate all names.
        from_outside: Option<ClientCertificate>,
        /// Whether the filter only sees the first URI.
        is_hidden: bool,
    },
}

/// One `--from` value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallerText {
    /// No certificate.
    Anonymous,
    /// An unvalidated certificate.
    Unvalidated,
    /// A certificate name.
    Name(NameKind, String),
    /// A service account of the mesh.
    ServiceAccount {
        /// Part of the service account.
        namespace: String,
        /// Part of the service account.
        name: String,
    },
}

impl CallerText {
    /// Parses a SPIFFE ID, `NAMESPACE/ACCOUNT`, a certificate name as `KIND:NAME`, `anonymous` or `unvalidated`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "anonymous" => return Ok(Self::Anonymous),
            "unvalidated" => return Ok(Self::Unvalidated),
            _ => {}
        }
        if let Some((kind, name)) = NameKind::split(text) {
            check_name(kind, name)?;
            return Ok(Self::Name(kind, name.to_owned()));
        }
        if text.contains("://") {
            return Ok(Self::Name(NameKind::Uri, text.to_owned()));
        }
        if text.contains('*') {
            return Err("write a single identity, not a pattern".to_owned());
        }
        match text.split('/').collect::<Vec<_>>()[..] {
            [namespace, name] if is_name(namespace) && is_name(name) => Ok(Self::ServiceAccount {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            }),
            [_, _, _, ..] => {
                let uri = format!("{SCHEME}{text}");
                let is_id = SpiffeId::parse(uri.as_bytes()).is_ok();
                is_id
                    .then_some(Self::Name(NameKind::Uri, uri))
                    .ok_or_else(|| format!("`{text}` is not a SPIFFE ID; {FORMS}"))
            }
            [name] if is_name(name) => Err(format!(
                "`{text}` has no namespace; write the service account as `NAMESPACE/{text}`"
            )),
            _ => Err(format!("`{text}` is not a caller; {FORMS}")),
        }
    }
}

impl RequestCaller {
    /// Combines these values to one caller of the mesh.
    pub fn new(texts: &[CallerText], mesh: &Mesh) -> Result<Self, String> {
        match texts {
            [CallerText::Anonymous] => return Ok(Self::Anonymous),
            [CallerText::Unvalidated] => return Ok(Self::Unvalidated),
            [] => return Err(format!("the caller is missing; {FORMS}")),
            _ => {}
        }
        let trust_domain = mesh.trust_domains().own();
        let names = texts.iter().map(|text| match text {
            CallerText::Anonymous => {
                Err("`anonymous` cannot be combined with certificate names".to_owned())
            }
            CallerText::Unvalidated => Err(
                "`unvalidated` cannot be combined with certificate names; remove the names"
                    .to_owned(),
            ),
            CallerText::Name(kind, name) => Ok((*kind, name.clone())),
            CallerText::ServiceAccount { namespace, name } => Ok((
                NameKind::Uri,
                format!("{SCHEME}{trust_domain}/ns/{namespace}/sa/{name}"),
            )),
        });
        let names = CertificateNames::new(names.collect::<Result<Vec<_>, _>>()?);
        let is_hidden = !mesh.shows_whole_certificates();
        Ok(Self::Certificate {
            from_outside: names.client_certificate().filter(|_| !is_hidden),
            names,
            is_hidden,
        })
    }

    /// The caller's identity as the filter sees it.
    pub(super) fn peer(&self) -> PeerIdentity<'_> {
        match self {
            Self::Anonymous => PeerIdentity::Absent,
            Self::Unvalidated => PeerIdentity::Unvalidated,
            Self::Certificate {
                names, is_hidden, ..
            } => {
                if *is_hidden {
                    names.peer_by_first_uri()
                } else {
                    names.peer()
                }
            }
        }
    }

    /// The client certificate, if rules can evaluate it.
    pub(super) fn client_certificate(&self) -> Option<&ClientCertificate> {
        match self {
            Self::Anonymous | Self::Unvalidated => None,
            Self::Certificate { from_outside, .. } => from_outside.as_ref(),
        }
    }
}

const FORMS: &str = "write a SPIFFE ID such as `spiffe://cluster.local/ns/shop/sa/web`, a service account as \
                     `NAMESPACE/ACCOUNT`, the names in a certificate as `dns:NAME`, `uri:URI` and `subject:SUBJECT`, \
                     `anonymous`, or `unvalidated`";

/// Rejects invalid certificate names of this kind.
fn check_name(kind: NameKind, name: &str) -> Result<(), String> {
    let (is_good, remedy) = match kind {
        NameKind::Dns => (
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && byte != b','),
            "write one DNS name, such as `dns:partner.example.com`",
        ),
        NameKind::Uri => (
            name.contains(':')
                && name.bytes().all(|byte| byte.is_ascii_graphic())
                && !name.contains('*'),
            "write one URI with its scheme, such as `uri:https://partner.example/7`",
        ),
        NameKind::Subject => (
            name.split_once('=').is_some_and(|(key, _)| !key.is_empty()),
            "write the subject as in RFC 2253, such as `subject:CN=client-7,O=Partner`",
        ),
    };
    if is_good {
        Ok(())
    } else {
        Err(format!(
            "`{}{name}` is not a certificate name; {remedy}",
            kind.prefix()
        ))
    }
}

/// Whether a text is a Kubernetes name.
fn is_name(text: &str) -> bool {
    let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    is_edge(bytes.first())
        && is_edge(bytes.last())
        && bytes.iter().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_callers_in_every_form() {
        let uri = |uri: &str| CallerText::Name(NameKind::Uri, uri.to_owned());
        let account = CallerText::ServiceAccount {
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
        };
        let subject = "CN=7,O=Partner\\, Inc.";
        for (text, caller) in [
            ("anonymous", CallerText::Anonymous),
            ("unvalidated", CallerText::Unvalidated),
            ("shop/web", account),
            ("td/ns/shop/sa/web", uri("spiffe://td/ns/shop/sa/web")),
            (
                "spiffe://td/ns/shop/sa/web",
                uri("spiffe://td/ns/shop/sa/web"),
            ),
            ("td/vm/7", uri("spiffe://td/vm/7")),
            ("https://web.example", uri("https://web.example")),
            ("uri:urn:a", uri("urn:a")),
            (
                "dns:*.partner.example",
                CallerText::Name(NameKind::Dns, "*.partner.example".to_owned()),
            ),
            (
                "subject:CN=7,O=Partner\\, Inc.",
                CallerText::Name(NameKind::Subject, subject.to_owned()),
            ),
        ] {
            assert_eq!(CallerText::parse(text), Ok(caller), "{text}");
        }
    }

    #[test]
    fn rejects_invalid_callers_with_help() {
        for (text, remedy) in [
            ("web", "write the service account as `NAMESPACE/web`"),
            ("shop/*", "not a pattern"),
            ("", "`NAMESPACE/ACCOUNT`"),
            ("Shop/web", "`NAMESPACE/ACCOUNT`"),
            ("shop/", "`NAMESPACE/ACCOUNT`"),
            ("shop/ns/", "not a SPIFFE ID"),
            ("shop:web", "`NAMESPACE/ACCOUNT`"),
            ("dns:", "one DNS name"),
            ("dns:a.example, b.example", "one DNS name"),
            ("dns:a.example,b.example", "one DNS name"),
            ("uri:partner.example", "with its scheme"),
            ("uri:https://partner.example/*", "one URI"),
            ("subject:client-7", "as in RFC 2253"),
            ("subject:=7", "as in RFC 2253"),
        ] {
            let refused = CallerText::parse(text).unwrap_err();
            assert!(refused.contains(remedy), "{text}: {refused}");
        }
    }
}
