//! Renders sources.
//!
//! All identities become principals: Istio's own `namespaces`, `serviceAccounts` and `trustDomains`
//! also match other identities, and their meaning depends on the version.

use ipnet::IpNet;

use super::authorization_policy::{Condition as IstioCondition, Source as IstioSource};
use super::ip_blocks::{every_address, in_both_forms};
use super::operation::spellings;
use crate::identity::{SCHEME, TrustDomains};
use crate::matching::header::is_host_header;
use crate::matching::{Reading, TextMatch};
use crate::rule::{CertificateMatch, Condition, Source, Terms, Test};
use crate::rule_spec::{ConditionSpec, Effect};

/// Rendered callers: one element of `from`, and conditions that must hold as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RenderedCallers {
    pub(super) source: IstioSource,
    pub(super) conditions: Vec<IstioCondition>,
}

/// The callers that `source` matches: alternatives.
pub(super) fn callers(
    source: &Source,
    effect: Effect,
    trust_domains: &TrustDomains,
) -> Vec<RenderedCallers> {
    split_by_namespaces(source)
        .iter()
        .map(|source| {
            let mut source = source.clone();
            let mut conditions = Vec::new();
            // Istio compares only the end of an ID, regardless of its trust domain.
            if effect == Effect::Allow && has_open_beginning(&source) {
                conditions.push(is_one_of(identities_of(trust_domains.iter()).collect()));
            }
            // Both are principals, and both must match.
            let asks_for_both =
                !(source.principals.any_of.is_empty() || source.namespaces.any_of.is_empty());
            if let (true, Some(of_namespaces)) = (
                asks_for_both,
                principals_of_namespaces(&source.namespaces.any_of, trust_domains),
            ) {
                conditions.push(is_one_of(of_namespaces));
                source.namespaces.any_of.clear();
            }
            RenderedCallers {
                source: istio_source(&source, effect, trust_domains),
                conditions,
            }
        })
        .collect()
}

/// Separates namespaces with a leading wildcard: Istio renders only these as namespaces.
fn split_by_namespaces(source: &Source) -> Vec<Source> {
    let is_open = |namespace: &TextMatch| matches!(namespace, TextMatch::Suffix(_));
    let (open, others): (Vec<_>, Vec<_>) =
        source.namespaces.any_of.iter().cloned().partition(is_open);
    if open.is_empty() || others.is_empty() {
        return vec![source.clone()];
    }
    [others, open]
        .map(|namespaces| {
            let mut source = source.clone();
            source.namespaces.any_of = namespaces;
            source
        })
        .into()
}

fn is_one_of(principals: Vec<String>) -> IstioCondition {
    IstioCondition {
        key: "source.principal".to_owned(),
        values: principals,
        not_values: Vec::new(),
    }
}

/// Whether a principal is a suffix pattern.
fn has_open_beginning(source: &Source) -> bool {
    let is_suffix = |principal: &TextMatch| matches!(principal, TextMatch::Suffix(_));
    source.principals.any_of.iter().any(is_suffix)
}

fn istio_source(source: &Source, effect: Effect, trust_domains: &TrustDomains) -> IstioSource {
    let beyond_identity = IstioSource {
        request_principals: texts(&source.request_principals.any_of),
        not_request_principals: texts(&source.request_principals.none_of),
        ip_blocks: addresses(&source.ip_blocks.any_of, &source.ip_blocks.none_of, effect),
        not_ip_blocks: in_both_forms(&source.ip_blocks.none_of),
        remote_ip_blocks: addresses(
            &source.remote_ip_blocks.any_of,
            &source.remote_ip_blocks.none_of,
            effect,
        ),
        not_remote_ip_blocks: in_both_forms(&source.remote_ip_blocks.none_of),
        ..IstioSource::default()
    };
    if source.anonymous {
        return IstioSource {
            not_principals: vec!["*".to_owned()],
            ..beyond_identity
        };
    }
    // Their names are left to the filter: Istio compares principals with the prefix `spiffe://`.
    if source.matches_only_client_certificates(effect) {
        return IstioSource {
            principals: vec!["*".to_owned()],
            not_principals: identities_of(trust_domains.iter()).collect(),
            ..beyond_identity
        };
    }
    let mut principals = Vec::new();
    for pattern in source.principals_in(trust_domains) {
        match pattern {
            TextMatch::Any => principals.extend(identities_of(trust_domains.iter())),
            TextMatch::Prefix(id) if is_open_domain(&id) => {
                let begins_so = |name: &&str| format!("{SCHEME}{name}/").starts_with(&*id);
                principals.extend(identities_of(trust_domains.iter().filter(begins_so)));
            }
            other => principals.push(istio_principal(&other)),
        }
    }
    let mut namespaces = Vec::new();
    match principals_of_namespaces(&source.namespaces.any_of, trust_domains) {
        Some(of_namespaces) if principals.is_empty() => principals = of_namespaces,
        _ => namespaces = written(&source.namespaces.any_of),
    }
    let lacks_identity = match effect {
        Effect::Allow => principals.is_empty(),
        Effect::Deny | Effect::Audit | Effect::Custom => {
            principals.is_empty()
                && namespaces.is_empty()
                && !source.trust_domains.any_of.is_empty()
        }
    };
    if lacks_identity {
        principals.extend(identities_of(trust_domains.iter()));
    }
    let mut not_principals = written(&source.not_principals_in(trust_domains));
    let mut not_namespaces = Vec::new();
    for namespace in &source.namespaces.none_of {
        match principals_of_namespaces(std::slice::from_ref(namespace), trust_domains) {
            Some(of_namespace) => not_principals.extend(of_namespace),
            None => not_namespaces.push(namespace.to_string()),
        }
    }
    // As an exclusion of the others: Istio would expand a principal in one trust domain to each
    // alias.
    let excluded_domains = trust_domains
        .iter()
        .filter(|trust_domain| !matches_trust_domain(source, trust_domain));
    not_principals.extend(identities_of(excluded_domains));
    if source.excludes_certificates_as_principals() {
        let certificates = source.client_certificates.none_of.iter();
        not_principals.extend(
            certificates
                .filter_map(CertificateMatch::as_principal)
                .map(istio_principal),
        );
    }
    IstioSource {
        principals,
        not_principals,
        namespaces,
        not_namespaces,
        ..beyond_identity
    }
}

/// The blocks for an address that must be in `any_of` and not in `none_of`.
fn addresses(any_of: &[IpNet], none_of: &[IpNet], effect: Effect) -> Vec<String> {
    if effect == Effect::Allow && any_of.is_empty() && !none_of.is_empty() {
        every_address()
    } else {
        in_both_forms(any_of)
    }
}

fn texts<V: ToString>(values: &[V]) -> Vec<String> {
    values.iter().map(V::to_string).collect()
}

fn written(patterns: &[TextMatch]) -> Vec<String> {
    patterns.iter().map(istio_principal).collect()
}

/// The principals of these namespaces. None if a pattern has a leading wildcard.
///
/// Istio's own `namespaces` looks for `/ns/NAMESPACE/` anywhere in the ID and in any trust domain.
/// In an account named `ns`, it would take the `sa` of `/ns/NAMESPACE/sa/NAME` for a namespace.
fn principals_of_namespaces(
    namespaces: &[TextMatch],
    trust_domains: &TrustDomains,
) -> Option<Vec<String>> {
    let mut principals = Vec::new();
    for namespace in namespaces {
        let beginning = match namespace {
            TextMatch::Any => String::new(),
            TextMatch::Exact(name) => format!("{name}/"),
            TextMatch::Prefix(name) => name.to_string(),
            TextMatch::Suffix(_) => return None,
        };
        principals.extend(
            trust_domains
                .iter()
                .map(|trust_domain| format!("{trust_domain}/ns/{beginning}*")),
        );
    }
    Some(principals)
}

/// Whether a prefix of an ID ends within its trust domain, which may then be a foreign one.
fn is_open_domain(beginning: &str) -> bool {
    beginning
        .strip_prefix(SCHEME)
        .is_none_or(|rest| !rest.contains('/'))
}

fn matches_trust_domain(source: &Source, name: &str) -> bool {
    let domains = &source.trust_domains;
    domains.are_met(|domain| domain.matches(name.as_bytes()))
}

/// All identities of these trust domains.
pub(super) fn identities_of<'t>(
    trust_domains: impl Iterator<Item = &'t str>,
) -> impl Iterator<Item = String> {
    trust_domains.map(|trust_domain| format!("{trust_domain}/*"))
}

/// A pattern as a principal in Istio: without the scheme.
fn istio_principal(pattern: &TextMatch) -> String {
    let written = pattern.to_string();
    written
        .strip_prefix(SCHEME)
        .map_or(written.clone(), str::to_owned)
}

/// The conditions that `condition` means: alternatives, of which one must hold completely.
pub(super) fn conditions(
    condition: &Condition,
    effect: Effect,
    trust_domains: &TrustDomains,
) -> Vec<Vec<IstioCondition>> {
    if let Test::Caller(source) = &condition.test
        && source.uses_identity()
    {
        return split_by_namespaces(source)
            .iter()
            .map(|source| identity_conditions(&istio_source(source, effect, trust_domains)))
            .collect();
    }
    if let Some(names) = names_of_hosts(&condition.test) {
        return vec![vec![IstioCondition {
            key: condition.key.to_string(),
            values: spellings(&names.any_of, Reading::for_values(effect)),
            not_values: spellings(&names.none_of, Reading::for_exclusions(effect)),
        }]];
    }
    let ConditionSpec {
        key,
        values,
        not_values,
    } = condition.into();
    let of_addresses = |any_of: &[IpNet], none_of: &[IpNet]| IstioCondition {
        key: key.clone(),
        values: addresses(any_of, none_of, effect),
        not_values: in_both_forms(none_of),
    };
    let asked = match &condition.test {
        Test::DestinationIp(blocks) => of_addresses(&blocks.any_of, &blocks.none_of),
        Test::Caller(source) if source.uses_peer_ip() => {
            of_addresses(&source.ip_blocks.any_of, &source.ip_blocks.none_of)
        }
        Test::Caller(source) if source.uses_remote_ip() => of_addresses(
            &source.remote_ip_blocks.any_of,
            &source.remote_ip_blocks.none_of,
        ),
        Test::Caller(_)
        | Test::Port(_)
        | Test::Header { .. }
        | Test::ServerName(_)
        | Test::Metadata { .. } => IstioCondition {
            key: key.clone(),
            values: values.unwrap_or_default(),
            not_values: not_values.unwrap_or_default(),
        },
    };
    let has_port = match &condition.test {
        Test::Port(ports) => effect == Effect::Allow && ports.any_of.is_empty(),
        _ => false,
    };
    vec![
        std::iter::once(asked)
            .chain(has_port.then(has_address))
            .collect(),
    ]
}

/// The names that the condition compares, if they are names of hosts.
fn names_of_hosts(test: &Test) -> Option<&Terms<Vec<TextMatch>>> {
    match test {
        Test::ServerName(names) => Some(names),
        Test::Header { name, values } if is_host_header(name) => Some(values),
        _ => None,
    }
}

/// Requires an address, and so a port. A connection over a Unix socket has neither, and no
/// `notPorts` excludes it.
pub(super) fn has_address() -> IstioCondition {
    IstioCondition {
        key: "destination.ip".to_owned(),
        values: every_address(),
        not_values: Vec::new(),
    }
}

fn identity_conditions(source: &IstioSource) -> Vec<IstioCondition> {
    let IstioSource {
        principals,
        not_principals,
        namespaces,
        not_namespaces,
        ..
    } = source.clone();
    [
        ("source.principal", principals, not_principals),
        ("source.namespace", namespaces, not_namespaces),
    ]
    .into_iter()
    .filter(|(_, values, not_values)| !(values.is_empty() && not_values.is_empty()))
    .map(|(key, values, not_values)| IstioCondition {
        key: key.to_owned(),
        values,
        not_values,
    })
    .collect()
}
