//! Callers that rules can name.

use std::fmt;

use policy_schema::check::is_dns_label;
use policy_schema::identity::{PeerIdentity, SpiffeId, TrustDomains};
use policy_schema::rule_spec::SourceSpec;

/// A caller that a rule can name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LearnedCaller {
    /// A service account in any of the mesh's trust domains.
    ServiceAccount {
        /// Part of the service account.
        namespace: String,
        /// Part of the service account.
        name: String,
    },
    /// Another workload of the mesh, by SPIFFE ID.
    Principal(String),
    /// A caller without an identity.
    Anonymous,
}

/// A caller that rules cannot name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnnamableCaller {
    /// The certificate does not have exactly one SPIFFE ID of a workload.
    Malformed,
    /// The trust domain is foreign.
    Foreign,
}

impl LearnedCaller {
    /// The caller with this URI SAN.
    pub(crate) fn from_peer(
        peer: Option<&str>,
        domains: &TrustDomains,
    ) -> Result<Self, UnnamableCaller> {
        match PeerIdentity::from_uri_san(peer.map(str::as_bytes)) {
            PeerIdentity::Absent | PeerIdentity::Unvalidated => Ok(Self::Anonymous),
            PeerIdentity::Malformed => Err(UnnamableCaller::Malformed),
            PeerIdentity::Verified(id) if domains.contains(id.trust_domain()) => {
                Ok(Self::from_id(id))
            }
            PeerIdentity::Verified(_) => Err(UnnamableCaller::Foreign),
        }
    }

    /// The URI SAN of the caller. None without an identity.
    pub(crate) fn peer(&self, domains: &TrustDomains) -> Option<String> {
        match self {
            Self::ServiceAccount { namespace, name } => Some(format!(
                "spiffe://{}/ns/{namespace}/sa/{name}",
                domains.own()
            )),
            Self::Principal(id) => Some(id.clone()),
            Self::Anonymous => None,
        }
    }

    fn from_id(id: SpiffeId<'_>) -> Self {
        let account = id.path().strip_prefix("/ns/").and_then(|rest| {
            let (namespace, name) = rest.split_once("/sa/")?;
            let is_kubernetes = is_dns_label(namespace) && name.split('.').all(is_dns_label);
            is_kubernetes.then(|| Self::ServiceAccount {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            })
        });
        account.unwrap_or_else(|| Self::Principal(id.as_str().to_owned()))
    }

    /// The source that matches this caller, in a policy of this namespace.
    pub(crate) fn source(&self, own_namespace: &str) -> SourceSpec {
        match self {
            Self::ServiceAccount { namespace, name } => {
                let account = if namespace == own_namespace {
                    name.clone()
                } else {
                    format!("{namespace}/{name}")
                };
                SourceSpec {
                    service_accounts: Some(vec![account]),
                    ..SourceSpec::default()
                }
            }
            Self::Principal(id) => SourceSpec {
                principals: Some(vec![id.clone()]),
                ..SourceSpec::default()
            },
            Self::Anonymous => SourceSpec {
                anonymous: Some(true),
                ..SourceSpec::default()
            },
        }
    }

    /// A rule name for this caller: a DNS label.
    pub(crate) fn label(&self, own_namespace: &str) -> String {
        let text = match self {
            Self::ServiceAccount { namespace, name } if namespace == own_namespace => name.clone(),
            Self::ServiceAccount { namespace, name } => format!("{namespace}-{name}"),
            Self::Principal(id) => {
                let path = SpiffeId::parse(id.as_bytes()).map_or("", |id| id.path());
                path.to_owned()
            }
            Self::Anonymous => "anonymous".to_owned(),
        };
        as_label(&text)
    }
}

impl fmt::Display for LearnedCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceAccount { namespace, name } => write!(f, "{namespace}/{name}"),
            Self::Principal(id) => f.write_str(id),
            Self::Anonymous => f.write_str("callers without an identity"),
        }
    }
}

/// The maximum length of a DNS label.
const MAX_LABEL_LEN: usize = 63;

/// Converts a text to a DNS label.
fn as_label(text: &str) -> String {
    let mut label = String::with_capacity(text.len());
    for character in text.chars().map(|character| character.to_ascii_lowercase()) {
        if character.is_ascii_alphanumeric() {
            label.push(character);
        } else if !label.is_empty() && !label.ends_with('-') {
            label.push('-');
        }
    }
    label.truncate(MAX_LABEL_LEN);
    let label = label.trim_end_matches('-');
    if label.is_empty() { "caller" } else { label }.to_owned()
}

/// Unique rule IDs of a policy.
#[derive(Debug, Default)]
pub(crate) struct RuleIds {
    taken: std::collections::BTreeSet<String>,
}

impl RuleIds {
    /// Excludes these IDs.
    pub(crate) fn excluding(ids: impl IntoIterator<Item = String>) -> Self {
        Self {
            taken: ids.into_iter().collect(),
        }
    }

    /// Reserves the label, with a number if it is taken.
    pub(crate) fn take(&mut self, label: &str) -> String {
        let mut id = label.to_owned();
        for number in 2.. {
            if self.taken.insert(id.clone()) {
                break;
            }
            let suffix = format!("-{number}");
            let room = MAX_LABEL_LEN.saturating_sub(suffix.len());
            let stem: String = label.chars().take(room).collect();
            id = format!("{}{suffix}", stem.trim_end_matches('-'));
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains() -> TrustDomains {
        TrustDomains::new("cluster.local", &["old.example"]).unwrap()
    }

    #[test]
    fn names_callers_like_rules() {
        let account = |namespace: &str, name: &str| {
            Ok(LearnedCaller::ServiceAccount {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            })
        };
        for (peer, expected) in [
            (
                Some("spiffe://cluster.local/ns/shop/sa/web"),
                account("shop", "web"),
            ),
            (
                Some("spiffe://old.example/ns/shop/sa/web"),
                account("shop", "web"),
            ),
            (
                Some("spiffe://cluster.local/ns/shop/sa/a.b"),
                account("shop", "a.b"),
            ),
            (
                Some("spiffe://cluster.local/ns/shop/sa/Web"),
                Ok(LearnedCaller::Principal(
                    "spiffe://cluster.local/ns/shop/sa/Web".to_owned(),
                )),
            ),
            (
                Some("spiffe://cluster.local/ns/shop/sa/web/1"),
                Ok(LearnedCaller::Principal(
                    "spiffe://cluster.local/ns/shop/sa/web/1".to_owned(),
                )),
            ),
            (
                Some("spiffe://cluster.local/vm/db"),
                Ok(LearnedCaller::Principal(
                    "spiffe://cluster.local/vm/db".to_owned(),
                )),
            ),
            (
                Some("spiffe://elsewhere.example/ns/shop/sa/web"),
                Err(UnnamableCaller::Foreign),
            ),
            (
                Some("spiffe://cluster.local"),
                Err(UnnamableCaller::Malformed),
            ),
            (
                Some("spiffe://cluster.local/ns/a/sa/b,spiffe://cluster.local/ns/a/sa/c"),
                Err(UnnamableCaller::Malformed),
            ),
            (None, Ok(LearnedCaller::Anonymous)),
        ] {
            assert_eq!(
                LearnedCaller::from_peer(peer, &domains()),
                expected,
                "{peer:?}"
            );
        }
    }

    #[test]
    fn rule_ids_are_unique() {
        let mut ids = RuleIds::excluding(["web".to_owned()]);
        assert_eq!(ids.take("web"), "web-2");
        assert_eq!(ids.take("web"), "web-3");
        assert_eq!(ids.take("ads"), "ads");
        let long = "a".repeat(MAX_LABEL_LEN);
        assert_eq!(ids.take(&long), long);
        let second = ids.take(&long);
        assert_eq!(
            (second.len(), second.ends_with("a-2")),
            (MAX_LABEL_LEN, true)
        );
    }

    #[test]
    fn converts_texts_to_dns_labels() {
        for (text, label) in [
            ("/vm/db", "vm-db"),
            ("a.b", "a-b"),
            ("Web_1-", "web-1"),
            ("___", "caller"),
        ] {
            assert_eq!(as_label(text), label);
            assert!(is_dns_label(label));
        }
        assert!(is_dns_label(&as_label(&"x.".repeat(200))));
    }
}
