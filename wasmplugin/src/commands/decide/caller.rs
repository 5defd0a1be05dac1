//! Who calls, as `--from` names it.

use policy_schema::identity::SpiffeId;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// A caller without a client certificate.
    Anonymous,
    /// A caller with this URI in its certificate, a SPIFFE ID or not.
    Uri(String),
    /// A service account of the mesh.
    ServiceAccount { namespace: String, name: String },
}

impl Caller {
    /// Reads a SPIFFE ID, `NAMESPACE/ACCOUNT` or `anonymous`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "anonymous" {
            return Ok(Self::Anonymous);
        }
        if text.contains("://") {
            return Ok(Self::Uri(text.to_owned()));
        }
        if text.contains('*') {
            return Err("a caller is one identity, not a pattern".to_owned());
        }
        match text.split('/').collect::<Vec<_>>()[..] {
            [namespace, name] if is_name(namespace) && is_name(name) => Ok(Self::ServiceAccount {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            }),
            [_, _, _, ..] => {
                let uri = format!("spiffe://{text}");
                let id = SpiffeId::parse(uri.as_bytes());
                let is_id = id.is_ok();
                is_id
                    .then_some(Self::Uri(uri))
                    .ok_or_else(|| format!("`{text}` is not a SPIFFE ID; {FORMS}"))
            }
            [name] if is_name(name) => Err(format!(
                "`{text}` has no namespace; write the service account as `NAMESPACE/{text}`"
            )),
            _ => Err(format!("`{text}` is not a caller; {FORMS}")),
        }
    }

    /// The URI that the caller's certificate has.
    pub(super) fn uri(&self, trust_domain: &str) -> Option<String> {
        match self {
            Self::Anonymous => None,
            Self::Uri(uri) => Some(uri.clone()),
            Self::ServiceAccount { namespace, name } => {
                Some(format!("spiffe://{trust_domain}/ns/{namespace}/sa/{name}"))
            }
        }
    }
}

const FORMS: &str = "write a SPIFFE ID such as `spiffe://cluster.local/ns/shop/sa/web`, a service account as \
                     `NAMESPACE/ACCOUNT`, or `anonymous`";

/// Whether Kubernetes accepts it as a name.
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
    fn callers_are_read_in_each_form() {
        let web = "spiffe://td/ns/shop/sa/web";
        for (text, uri) in [
            ("anonymous", None),
            ("shop/web", Some(web)),
            ("td/ns/shop/sa/web", Some(web)),
            (web, Some(web)),
            ("td/vm/7", Some("spiffe://td/vm/7")),
            ("https://web.example", Some("https://web.example")),
        ] {
            let caller = Caller::parse(text).unwrap();
            assert_eq!(caller.uri("td").as_deref(), uri, "{text}");
        }
    }

    #[test]
    fn what_is_no_caller_is_refused_with_what_to_write() {
        for (text, remedy) in [
            ("web", "write the service account as `NAMESPACE/web`"),
            ("shop/*", "not a pattern"),
            ("", "`NAMESPACE/ACCOUNT`"),
            ("Shop/web", "`NAMESPACE/ACCOUNT`"),
            ("shop/", "`NAMESPACE/ACCOUNT`"),
            ("shop/ns/", "not a SPIFFE ID"),
            ("shop:web", "`NAMESPACE/ACCOUNT`"),
        ] {
            let refused = Caller::parse(text).unwrap_err();
            assert!(refused.contains(remedy), "{text}: {refused}");
        }
    }
}
