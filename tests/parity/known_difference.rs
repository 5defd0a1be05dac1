//! The differences between RBAC and the filter that the documentation lists.

use peergate_tests::random::{Asked, Names};
use policy_schema::identity::PeerIdentity;
use policy_schema::istio::authorization_policies;
use policy_schema::policy::PolicySet;

/// Why RBAC may decide otherwise than the policy says, of a request that the filter then denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KnownDifference {
    /// RBAC goes by any of the names that read as SPIFFE IDs of the mesh, the filter by none.
    NoSingleId,
    /// RBAC takes a certificate whose names are all empty for none, the filter for a malformed one.
    EmptyNames,
    /// RBAC looks for the end of a namespace in every name and in the subject.
    NamespaceInOtherName,
}

impl KnownDifference {
    pub(crate) const ALL: [Self; 3] = [
        Self::NoSingleId,
        Self::EmptyNames,
        Self::NamespaceInOtherName,
    ];

    /// The first cell of its row in `docs/language.md`, "Known differences".
    pub(crate) fn row(self) -> &'static str {
        match self {
            Self::NoSingleId => {
                "a certificate in which not exactly one name reads as a SPIFFE ID, or one that is no valid ID"
            }
            Self::EmptyNames => {
                "a certificate whose URI and DNS names are all empty, without a subject"
            }
            Self::NamespaceInOtherName => {
                "`namespaces` with a `*` at the beginning, and a certificate with `/ns/` in a DNS name or its subject"
            }
        }
    }

    /// The difference that is to be expected where the policy decides about the request.
    pub(crate) fn of(set: &PolicySet, asked: &Asked) -> Option<Self> {
        let names = asked.certificate.as_ref()?;
        let trust_domains: Vec<_> = set.mesh().trust_domains().iter().collect();
        let is_of_mesh = |name: &String| {
            let rest = name.strip_prefix("spiffe://");
            let domain = rest.and_then(|rest| rest.split_once('/'));
            domain.is_some_and(|(domain, _)| trust_domains.contains(&domain))
        };
        if is_malformed(asked) {
            let mut ids = names.uris.iter().chain(&names.dns);
            return if ids.any(is_of_mesh) {
                Some(Self::NoSingleId)
            } else {
                has_empty_names_alone(names).then_some(Self::EmptyNames)
            };
        }
        let mut others = names.dns.iter().chain(&names.common_name);
        (others.any(|name| name.contains("/ns/")) && asks_for_end_of_namespace(set))
            .then_some(Self::NamespaceInOtherName)
    }
}

fn is_malformed(asked: &Asked) -> bool {
    asked.with_request(|request| request.peer == PeerIdentity::Malformed)
}

fn has_empty_names_alone(names: &Names) -> bool {
    let mut all = names.uris.iter().chain(&names.dns);
    names.common_name.is_none() && all.all(String::is_empty)
}

/// Whether RBAC is asked for a namespace by its end: all other namespaces are rendered as principals.
fn asks_for_end_of_namespace(set: &PolicySet) -> bool {
    let objects = set
        .policies()
        .iter()
        .flat_map(|policy| authorization_policies(set, policy));
    objects.flat_map(|object| object.spec.rules).any(|rule| {
        let of_sources = rule.from.iter().any(|from| {
            !(from.source.namespaces.is_empty() && from.source.not_namespaces.is_empty())
        });
        of_sources || rule.when.iter().any(|when| when.key == "source.namespace")
    })
}
