//! The part of a rule's sources that the index does not cover.

use ipnet::IpNet;

use super::super::attribute::{Attribute, Differences};
use super::super::caller::EngineCaller;
use super::super::request::{MetadataText, PeerIp, RequestAttributes};
use super::value_set::{CertificateSet, NamespaceSet, RequestTerms, TextSet};
use crate::identity::TrustDomains;
use crate::matching::TextMatch;
use crate::rule::{MetadataKey, RequestPrincipal, Source, Terms};
use crate::rule_spec::Effect;

/// A source without the indexed fields.
#[derive(Debug)]
pub(in crate::engine) struct ResidualSource {
    /// `None` if the index covers all of them, as for most sources.
    identity: Option<Box<IdentityConditions>>,
    /// `None` if there are none, as for most sources.
    other_conditions: Option<Box<OtherConditions>>,
}

/// The conditions of a source on the identity.
#[derive(Debug)]
struct IdentityConditions {
    principal: Terms<TextSet>,
    namespace: Terms<NamespaceSet>,
    trust_domain: Terms<TextSet>,
    /// The excluded client certificates from outside the mesh.
    excluded_certificates: Option<CertificateSet>,
}

/// The conditions of a source other than on the identity.
#[derive(Debug)]
struct OtherConditions {
    request_principal: Terms<Vec<RequestPrincipal>>,
    issuer: MetadataKey,
    subject: MetadataKey,
    peer_ip: Terms<Vec<IpNet>>,
    remote_ip: Terms<Vec<IpNet>>,
}

impl ResidualSource {
    /// The residues of a rule's sources, in order.
    pub(in crate::engine) fn all_of(
        sources: Vec<Source>,
        trust_domains: &TrustDomains,
    ) -> Vec<Self> {
        sources
            .into_iter()
            .map(|source| Self::new(source, Vec::new(), trust_domains))
            .collect()
    }

    /// A source that is not indexed.
    pub(super) fn whole(source: Source, trust_domains: &TrustDomains) -> Self {
        let principals = source.principals_in(trust_domains);
        Self::new(source, principals, trust_domains)
    }

    pub(super) fn new(
        source: Source,
        principals: Vec<TextMatch>,
        trust_domains: &TrustDomains,
    ) -> Self {
        Self {
            other_conditions: OtherConditions::new(&source).map(Box::new),
            identity: IdentityConditions::new(source, principals, trust_domains).map(Box::new),
        }
    }

    /// Whether ALL fields match.
    pub(in crate::engine) fn matches(
        &self,
        caller: &EngineCaller<'_>,
        request: &impl RequestAttributes,
        effect: Effect,
    ) -> bool {
        self.identity_matches(caller, effect)
            && self.other_conditions.as_ref().is_none_or(|more| {
                more.address_matches(request, effect) && more.token_matches(request, effect)
            })
    }

    /// Adds the fields that do not match.
    pub(in crate::engine) fn add_differences(
        &self,
        caller: &EngineCaller<'_>,
        request: &impl RequestAttributes,
        effect: Effect,
        differences: &mut Differences,
    ) {
        differences.add_if(!self.identity_matches(caller, effect), Attribute::Caller);
        if let Some(more) = &self.other_conditions {
            differences.add_if(!more.token_matches(request, effect), Attribute::Token);
            differences.add_if(!more.address_matches(request, effect), Attribute::Address);
        }
    }

    /// The number of values that are compared one by one.
    pub(in crate::engine) fn value_count(&self) -> usize {
        self.other_conditions.as_ref().map_or(0, |more| {
            more.request_principal.value_count()
                + more.peer_ip.value_count()
                + more.remote_ip.value_count()
        })
    }

    #[inline]
    fn identity_matches(&self, caller: &EngineCaller<'_>, effect: Effect) -> bool {
        self.identity
            .as_ref()
            .is_none_or(|conditions| conditions.match_caller(caller, effect))
    }
}

impl IdentityConditions {
    /// The conditions of `source` on the identity, if any.
    fn new(
        source: Source,
        principals: Vec<TextMatch>,
        trust_domains: &TrustDomains,
    ) -> Option<Self> {
        let conditions = Self {
            principal: Terms {
                any_of: TextSet::new(principals),
                none_of: TextSet::new(source.not_principals_in(trust_domains)),
            },
            excluded_certificates: CertificateSet::new(&source.client_certificates.none_of),
            namespace: source
                .namespaces
                .as_ref()
                .map(|list| NamespaceSet::new(list)),
            trust_domain: source.trust_domains.map(TextSet::new),
        };
        (!conditions.is_empty()).then_some(conditions)
    }

    fn is_empty(&self) -> bool {
        self.principal.is_unconditional()
            && self.namespace.is_unconditional()
            && self.trust_domain.is_unconditional()
            && self.excluded_certificates.is_none()
    }

    /// Whether ALL fields match.
    fn match_caller(&self, caller: &EngineCaller<'_>, effect: Effect) -> bool {
        let (id, certificate) = match caller {
            EngineCaller::Anonymous => (None, None),
            EngineCaller::Certificate(certificate) => (None, Some(certificate)),
            EngineCaller::Workload(id) => (Some(id), None),
        };
        if let (Some(excluded), Some(certificate)) = (&self.excluded_certificates, certificate)
            && excluded.contains(certificate)
        {
            return false;
        }
        self.principal
            .matches(effect, || Some(id?.as_str().as_bytes()))
            && self.namespace.matches(effect, || id)
            && self
                .trust_domain
                .matches(effect, || Some(id?.trust_domain().as_bytes()))
    }
}

impl OtherConditions {
    /// The conditions of `source` other than on the identity, if any.
    fn new(source: &Source) -> Option<Self> {
        let more = Self {
            request_principal: source.request_principals.clone(),
            issuer: MetadataKey::claim(["iss"]),
            subject: MetadataKey::claim(["sub"]),
            peer_ip: source.ip_blocks.clone(),
            remote_ip: source.remote_ip_blocks.clone(),
        };
        let is_empty = more.request_principal.is_empty()
            && more.peer_ip.is_empty()
            && more.remote_ip.is_empty();
        (!is_empty).then_some(more)
    }

    fn address_matches(&self, request: &impl RequestAttributes, effect: Effect) -> bool {
        let peer_ip_matches = || match request.peer_ip() {
            PeerIp::Hidden => effect == Effect::Allow,
            PeerIp::Absent => self.peer_ip.matches(effect, || None),
            PeerIp::Known(address) => self.peer_ip.matches(effect, || Some(address)),
        };
        (self.peer_ip.is_empty() || peer_ip_matches())
            && self.remote_ip.matches(effect, || request.remote_ip())
    }

    fn token_matches(&self, request: &impl RequestAttributes, effect: Effect) -> bool {
        self.request_principal
            .matches_each(effect, |principals, _| self.has_any(principals, request))
    }

    /// Whether the request's JWT has one of `principals`.
    fn has_any(&self, principals: &[RequestPrincipal], request: &impl RequestAttributes) -> bool {
        principals.iter().any(|principal| {
            let claim_matches = |key: &MetadataKey, pattern: &TextMatch| {
                let mut is_found = false;
                request.metadata(key, &mut |text| {
                    is_found |= matches!(text, MetadataText::Whole(text) if pattern.matches(text));
                });
                is_found
            };
            claim_matches(&self.issuer, &principal.issuer)
                && claim_matches(&self.subject, &principal.subject)
        })
    }
}
