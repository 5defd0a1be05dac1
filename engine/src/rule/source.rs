//! Callers.

use std::fmt;

use ipnet::IpNet;

use super::request_principal::RequestPrincipal;
use super::terms::Terms;
use crate::identity::{NameKind, SCHEME, TrustDomains};
use crate::matching::TextMatch;
use crate::rule_spec::Effect;

/// Callers: ALL fields must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Whether callers without an identity match as well.
    pub anonymous: bool,
    /// Client certificates from outside the mesh.
    pub client_certificates: Terms<Vec<CertificateMatch>>,
    /// Patterns over SPIFFE IDs.
    pub principals: Terms<Vec<TextMatch>>,
    /// Kubernetes service accounts.
    pub service_accounts: Terms<Vec<ServiceAccount>>,
    /// Patterns over Kubernetes namespaces in the identity.
    pub namespaces: Terms<Vec<TextMatch>>,
    /// Patterns over trust domains of the identity.
    pub trust_domains: Terms<Vec<TextMatch>>,
    /// Issuers and subjects of the request's JWT.
    pub request_principals: Terms<Vec<RequestPrincipal>>,
    /// Source addresses of the connection.
    pub ip_blocks: Terms<Vec<IpNet>>,
    /// Addresses of the client, as reported by proxies in front of this one.
    pub remote_ip_blocks: Terms<Vec<IpNet>>,
}

/// Client certificates from outside the mesh.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CertificateMatch {
    /// Every certificate that the gateway validated.
    Any,
    /// Certificates with a name of this kind that matches the pattern.
    Name(NameKind, TextMatch),
}

impl CertificateMatch {
    /// The URI pattern, if it could also be a principal: it starts like a SPIFFE ID.
    pub fn as_principal(&self) -> Option<&TextMatch> {
        match self {
            Self::Name(
                NameKind::Uri,
                pattern @ (TextMatch::Exact(beginning) | TextMatch::Prefix(beginning)),
            ) => beginning.starts_with(SCHEME).then_some(pattern),
            Self::Name(..) | Self::Any => None,
        }
    }
}

impl fmt::Display for CertificateMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Name(kind, pattern) => write!(f, "{}{pattern}", kind.prefix()),
        }
    }
}

/// A Kubernetes service account, in any of the mesh's trust domains.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServiceAccount {
    /// Its namespace.
    pub namespace: Box<str>,
    /// Its name in the namespace.
    pub name: Box<str>,
}

impl ServiceAccount {
    /// The SPIFFE ID that Istio assigns to this account in `trust_domain`.
    pub(crate) fn spiffe_id(&self, trust_domain: &str) -> String {
        [SCHEME, trust_domain, &self.spiffe_path()].concat()
    }

    /// The SPIFFE ID without scheme and trust domain.
    pub(crate) fn spiffe_path(&self) -> String {
        let Self { namespace, name } = self;
        format!("/ns/{namespace}/sa/{name}")
    }
}

impl fmt::Display for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Source {
    /// Whether a field depends on the caller's identity.
    pub fn uses_identity(&self) -> bool {
        !(self.principals.is_empty()
            && self.service_accounts.is_empty()
            && self.namespaces.is_empty()
            && self.trust_domains.is_empty())
    }

    /// Whether a field depends on the request's JWT.
    pub fn uses_request_principal(&self) -> bool {
        !self.request_principals.is_empty()
    }

    /// Whether a field depends on client certificates from outside the mesh.
    pub fn uses_client_certificate(&self) -> bool {
        !self.client_certificates.is_empty()
    }

    /// Whether a field distinguishes client certificates, rather than matching all that the gateway
    /// validated.
    pub fn distinguishes_client_certificates(&self) -> bool {
        self.uses_client_certificate()
            && !(self
                .client_certificates
                .any_of
                .contains(&CertificateMatch::Any)
                && self.client_certificates.none_of.is_empty())
    }

    /// Whether RBAC can exclude the client certificates that the source excludes, and the source
    /// requires none. Istio compares an excluded principal with those URIs of any certificate that
    /// start like SPIFFE IDs.
    pub fn excludes_certificates_as_principals(&self) -> bool {
        let mut excluded = self.client_certificates.none_of.iter();
        self.client_certificates.any_of.is_empty()
            && excluded.all(|name| name.as_principal().is_some())
    }

    /// Whether the source of an `Allow` rule matches only client certificates from outside the
    /// mesh.
    pub fn matches_only_client_certificates(&self, effect: Effect) -> bool {
        !self.client_certificates.any_of.is_empty()
            || (effect == Effect::Allow && !self.client_certificates.none_of.is_empty())
    }

    /// Whether a field depends on the source address of the connection.
    pub fn uses_peer_ip(&self) -> bool {
        !self.ip_blocks.is_empty()
    }

    /// Whether a field depends on the client's address.
    pub fn uses_remote_ip(&self) -> bool {
        !self.remote_ip_blocks.is_empty()
    }

    /// The SPIFFE IDs that `principals` and `serviceAccounts` name, with each identity of the mesh
    /// in each of its trust domains.
    ///
    /// Istio expands aliases in the same way, for values of the form `DOMAIN/ns/NAMESPACE/sa/NAME`
    /// only. All other values are kept as they are.
    pub fn principals_in(&self, trust_domains: &TrustDomains) -> Vec<TextMatch> {
        expand(
            &self.principals.any_of,
            &self.service_accounts.any_of,
            trust_domains,
        )
    }

    /// The same for the `not…` counterparts.
    pub fn not_principals_in(&self, trust_domains: &TrustDomains) -> Vec<TextMatch> {
        expand(
            &self.principals.none_of,
            &self.service_accounts.none_of,
            trust_domains,
        )
    }
}

fn expand(
    principals: &[TextMatch],
    accounts: &[ServiceAccount],
    trust_domains: &TrustDomains,
) -> Vec<TextMatch> {
    let mut expanded = Vec::with_capacity(principals.len() + accounts.len());
    for principal in principals {
        match istio_workload_path(principal) {
            Some(path) => expanded.extend(trust_domains.iter().map(|trust_domain| {
                principal.with_literal(format!("{SCHEME}{trust_domain}/{path}"))
            })),
            None => expanded.push(principal.clone()),
        }
    }
    for account in accounts {
        expanded.extend(
            trust_domains
                .iter()
                .map(|trust_domain| TextMatch::Exact(account.spiffe_id(trust_domain).into())),
        );
    }
    expanded
}

/// The part after the trust domain, if the pattern has the five segments that Istio rewrites.
fn istio_workload_path(principal: &TextMatch) -> Option<&str> {
    let (TextMatch::Exact(id) | TextMatch::Prefix(id)) = principal else {
        return None;
    };
    let (_, path) = id.strip_prefix(SCHEME)?.split_once('/')?;
    (path.split('/').count() == 4).then_some(path)
}
