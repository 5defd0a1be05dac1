//! Rules as they are meant: typed, sound, and built by [`check`](crate::check) alone.

use std::fmt;

use crate::identity::{SCHEME, TrustDomains};
use crate::matching::{PathMatch, TextMatch};
use crate::rule_spec::{Effect, Enforcement, OperationSpec, RuleSpec, SourceSpec};
use crate::timestamp::Validity;

/// A rule that can be enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub(crate) id: Box<str>,
    pub(crate) effect: Effect,
    pub(crate) enforcement: Option<Enforcement>,
    pub(crate) description: Option<Box<str>>,
    pub(crate) owner: Option<Box<str>>,
    pub(crate) validity: Validity,
    /// Any one of these; empty means no condition on the caller beyond the rule's effect: an
    /// identity for `Allow`, nothing for `Deny`.
    pub(crate) sources: Vec<Source>,
    /// Any one of these; empty means every request.
    pub(crate) operations: Vec<Operation>,
}

/// Callers: ALL the fields must match, in each list ANY value does; an empty list is no
/// condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    pub(crate) anonymous: bool,
    pub(crate) principals: Vec<TextMatch>,
    pub(crate) not_principals: Vec<TextMatch>,
    pub(crate) service_accounts: Vec<ServiceAccount>,
    pub(crate) not_service_accounts: Vec<ServiceAccount>,
    pub(crate) namespaces: Vec<TextMatch>,
    pub(crate) not_namespaces: Vec<TextMatch>,
    pub(crate) trust_domains: Vec<TextMatch>,
    pub(crate) not_trust_domains: Vec<TextMatch>,
}

/// Requests: ALL the fields must match, in each list ANY value does; an empty list is no
/// condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    pub(crate) methods: Vec<TextMatch>,
    pub(crate) not_methods: Vec<TextMatch>,
    pub(crate) paths: Vec<PathMatch>,
    pub(crate) not_paths: Vec<PathMatch>,
    /// In lower case.
    pub(crate) hosts: Vec<TextMatch>,
    pub(crate) not_hosts: Vec<TextMatch>,
    pub(crate) ports: Vec<u16>,
    pub(crate) not_ports: Vec<u16>,
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
        let Self { namespace, name } = self;
        format!("{SCHEME}{trust_domain}/ns/{namespace}/sa/{name}")
    }
}

impl fmt::Display for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Source {
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

impl From<&Rule> for RuleSpec {
    /// Writes the rule down again, in its canonical spelling.
    fn from(rule: &Rule) -> Self {
        Self {
            id: rule.id.to_string(),
            effect: rule.effect,
            description: rule.description.as_deref().map(str::to_owned),
            owner: rule.owner.as_deref().map(str::to_owned),
            not_before: rule.validity.not_before.map(|time| time.to_string()),
            not_after: rule.validity.not_after.map(|time| time.to_string()),
            enforcement: rule.enforcement,
            from: written(&rule.sources, SourceSpec::from),
            to: written(&rule.operations, OperationSpec::from),
        }
    }
}

impl From<&Source> for SourceSpec {
    fn from(source: &Source) -> Self {
        Self {
            anonymous: source.anonymous.then_some(true),
            principals: written(&source.principals, ToString::to_string),
            not_principals: written(&source.not_principals, ToString::to_string),
            service_accounts: written(&source.service_accounts, ToString::to_string),
            not_service_accounts: written(&source.not_service_accounts, ToString::to_string),
            namespaces: written(&source.namespaces, ToString::to_string),
            not_namespaces: written(&source.not_namespaces, ToString::to_string),
            trust_domains: written(&source.trust_domains, ToString::to_string),
            not_trust_domains: written(&source.not_trust_domains, ToString::to_string),
        }
    }
}

impl From<&Operation> for OperationSpec {
    fn from(operation: &Operation) -> Self {
        Self {
            methods: written(&operation.methods, ToString::to_string),
            not_methods: written(&operation.not_methods, ToString::to_string),
            paths: written(&operation.paths, ToString::to_string),
            not_paths: written(&operation.not_paths, ToString::to_string),
            hosts: written(&operation.hosts, ToString::to_string),
            not_hosts: written(&operation.not_hosts, ToString::to_string),
            ports: written(&operation.ports, |&port| port),
            not_ports: written(&operation.not_ports, |&port| port),
        }
    }
}

/// A list as a document has it: left out when empty.
fn written<'v, T, U>(values: &'v [T], write: impl Fn(&'v T) -> U) -> Option<Vec<U>> {
    (!values.is_empty()).then(|| values.iter().map(write).collect())
}
