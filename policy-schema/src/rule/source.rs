//! Callers.

use std::fmt;

use ipnet::IpNet;

use super::request_principal::RequestPrincipal;
use crate::identity::{NameKind, SCHEME, TrustDomains};
use crate::matching::TextMatch;
#[cfg(feature = "authoring")]
use crate::rule_spec::Effect;

/// Callers: ALL the fields must match, in each list ANY value does; an empty list is no
/// condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    pub(crate) anonymous: bool,
    /// From outside the mesh.
    pub(crate) client_certificates: Vec<CertificateMatch>,
    pub(crate) not_client_certificates: Vec<CertificateMatch>,
    pub(crate) principals: Vec<TextMatch>,
    pub(crate) not_principals: Vec<TextMatch>,
    pub(crate) service_accounts: Vec<ServiceAccount>,
    pub(crate) not_service_accounts: Vec<ServiceAccount>,
    pub(crate) namespaces: Vec<TextMatch>,
    pub(crate) not_namespaces: Vec<TextMatch>,
    pub(crate) trust_domains: Vec<TextMatch>,
    pub(crate) not_trust_domains: Vec<TextMatch>,
    pub(crate) request_principals: Vec<RequestPrincipal>,
    pub(crate) not_request_principals: Vec<RequestPrincipal>,
    pub(crate) ip_blocks: Vec<IpNet>,
    pub(crate) not_ip_blocks: Vec<IpNet>,
    pub(crate) remote_ip_blocks: Vec<IpNet>,
    pub(crate) not_remote_ip_blocks: Vec<IpNet>,
}

/// Client certificates from outside the mesh.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CertificateMatch {
    /// Each that the gateway validated.
    Any,
    /// Those that have a name of this kind which the pattern takes.
    Name(NameKind, TextMatch),
}

impl CertificateMatch {
    /// The URI of the certificates as a pattern that a principal can have: it begins as a SPIFFE ID.
    #[cfg(feature = "authoring")]
    pub(crate) fn as_principal(&self) -> Option<&TextMatch> {
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
    pub(crate) namespace: Box<str>,
    pub(crate) name: Box<str>,
}

impl ServiceAccount {
    /// The SPIFFE ID that Istio gives this account in `trust_domain`.
    pub(crate) fn spiffe_id(&self, trust_domain: &str) -> String {
        [SCHEME, trust_domain, &self.spiffe_path()].concat()
    }

    /// What follows the trust domain in its SPIFFE ID, in whichever.
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
    /// Whether a field is about the caller's identity.
    pub(crate) fn asks_for_identity(&self) -> bool {
        let Self {
            anonymous: _,
            client_certificates: _,
            not_client_certificates: _,
            principals,
            not_principals,
            service_accounts,
            not_service_accounts,
            namespaces,
            not_namespaces,
            trust_domains,
            not_trust_domains,
            request_principals: _,
            not_request_principals: _,
            ip_blocks: _,
            not_ip_blocks: _,
            remote_ip_blocks: _,
            not_remote_ip_blocks: _,
        } = self;
        let patterns = [
            principals,
            not_principals,
            namespaces,
            not_namespaces,
            trust_domains,
            not_trust_domains,
        ];
        let accounts = [service_accounts, not_service_accounts];
        patterns.iter().any(|list| !list.is_empty()) || accounts.iter().any(|list| !list.is_empty())
    }

    /// Whether a field is about the request's JWT.
    pub(crate) fn asks_for_request_principal(&self) -> bool {
        !(self.request_principals.is_empty() && self.not_request_principals.is_empty())
    }

    /// Whether a field is about client certificates from outside the mesh.
    pub(crate) fn asks_for_client_certificate(&self) -> bool {
        !(self.client_certificates.is_empty() && self.not_client_certificates.is_empty())
    }

    /// Whether a field tells client certificates apart, rather than taking all that the gateway validated.
    #[cfg(feature = "authoring")]
    pub(crate) fn names_client_certificates(&self) -> bool {
        self.asks_for_client_certificate()
            && !(self.client_certificates.contains(&CertificateMatch::Any)
                && self.not_client_certificates.is_empty())
    }

    /// Whether RBAC tells the client certificates apart that a source takes or excludes, where it does not allow:
    /// Istio compares an excluded principal with the URIs of any certificate that begin as SPIFFE IDs do.
    #[cfg(feature = "authoring")]
    pub(crate) fn excludes_certificates_as_principals(&self) -> bool {
        let mut excluded = self.not_client_certificates.iter();
        self.client_certificates.is_empty() && excluded.all(|name| name.as_principal().is_some())
    }

    /// Whether the source of an `Allow` rule takes client certificates from outside the mesh, and no other callers.
    #[cfg(feature = "authoring")]
    pub(crate) fn takes_client_certificates_alone(&self, effect: Effect) -> bool {
        !self.client_certificates.is_empty()
            || (effect == Effect::Allow && !self.not_client_certificates.is_empty())
    }

    /// Whether a field is about the address that the connection itself comes from.
    #[cfg(feature = "authoring")]
    pub(crate) fn asks_for_peer_ip(&self) -> bool {
        !(self.ip_blocks.is_empty() && self.not_ip_blocks.is_empty())
    }

    /// Whether a field is about the client's address.
    #[cfg(feature = "authoring")]
    pub(crate) fn asks_for_remote_ip(&self) -> bool {
        !(self.remote_ip_blocks.is_empty() && self.not_remote_ip_blocks.is_empty())
    }

    /// The SPIFFE IDs that `principals` and `serviceAccounts` name, with each identity of the
    /// mesh under each of its trust domains.
    ///
    /// Istio does the same with aliases, for values of the form `DOMAIN/ns/NAMESPACE/sa/NAME`
    /// alone; every other value stays as it is.
    pub(crate) fn principals_in(&self, trust_domains: &TrustDomains) -> Vec<TextMatch> {
        expand(&self.principals, &self.service_accounts, trust_domains)
    }

    /// The same for the `not…` twins.
    pub(crate) fn not_principals_in(&self, trust_domains: &TrustDomains) -> Vec<TextMatch> {
        expand(
            &self.not_principals,
            &self.not_service_accounts,
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

/// What follows the trust domain, when the pattern has the five parts that Istio rewrites.
fn istio_workload_path(principal: &TextMatch) -> Option<&str> {
    let (TextMatch::Exact(id) | TextMatch::Prefix(id)) = principal else {
        return None;
    };
    let (_, path) = id.strip_prefix(SCHEME)?.split_once('/')?;
    (path.split('/').count() == 4).then_some(path)
}
