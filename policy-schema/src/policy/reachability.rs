//! Which workloads may call which, by identity.
//!
//! The result is an upper bound: it ignores conditions on addresses, JWTs and requests. `Sidecar`
//! and `NetworkPolicy` resources are rendered from it. The server's proxy still decides each
//! request.

use std::collections::{BTreeMap, BTreeSet};

use super::PolicySet;
use crate::identity::{SCHEME, SpiffeId, TrustDomains};
use crate::matching::TextMatch;
use crate::rule::namespace::is_in_namespace;
use crate::rule::{Rule, Source, Test};
use crate::rule_spec::{Effect, Enforcement, Otherwise};

/// A caller: one service account, or any account of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MeshCaller<'c> {
    pub(crate) namespace: &'c str,
    pub(crate) service_account: Option<&'c str>,
}

/// The callers that a source matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AllowedCallers {
    /// Callers without an identity of the mesh, from any address.
    Anonymous,
    /// All callers of the mesh.
    AnyIdentity,
    /// These accounts, by namespace and name.
    Accounts(BTreeSet<(String, String)>),
    /// All callers of these namespaces.
    Namespaces(BTreeSet<String>),
    /// Callers that match a pattern.
    Pattern,
}

/// The callers of all policies of a set. Indexed, so that ten thousand services take only ten
/// thousand look-ups.
#[derive(Debug)]
pub(crate) struct Reachability<'s> {
    trust_domains: &'s TrustDomains,
    /// For each policy, the `Allow` rules that apply to its workloads, of any policy. None if
    /// requests pass unless a rule denies them.
    rules: Vec<Option<Vec<&'s Rule>>>,
    /// The policies that one service account may call, by its namespace and name.
    by_account: BTreeMap<(String, String), Vec<Callee<'s>>>,
    /// The policies that callers of a namespace may call.
    by_namespace: BTreeMap<String, Vec<Callee<'s>>>,
    /// The policies that name callers in any other way.
    by_pattern: Vec<Callee<'s>>,
    /// The policies that every caller may call.
    open: BTreeSet<usize>,
}

/// Whether expired rules count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ExpiredRules {
    Excluded,
    Included,
}

/// A policy that allows callers.
#[derive(Clone, Copy, Debug)]
struct Callee<'s> {
    /// Its position in the set.
    policy: usize,
    rule: &'s Rule,
    source: &'s Source,
}

impl<'s> Reachability<'s> {
    /// Indexes the callers of each policy.
    pub(crate) fn new(set: &'s PolicySet) -> Self {
        Self::with(set, ExpiredRules::Excluded)
    }

    /// The same, including callers of expired rules.
    pub(crate) fn with_expired_rules(set: &'s PolicySet) -> Self {
        Self::with(set, ExpiredRules::Included)
    }

    fn with(set: &'s PolicySet, expired_rules: ExpiredRules) -> Self {
        let rules: Vec<_> = set
            .overlapping_policies()
            .iter()
            .map(|overlapping| allow_rules(set, overlapping, expired_rules))
            .collect();
        let mut reachability = Self {
            trust_domains: set.mesh.trust_domains(),
            rules: Vec::new(),
            by_account: BTreeMap::new(),
            by_namespace: BTreeMap::new(),
            by_pattern: Vec::new(),
            open: BTreeSet::new(),
        };
        for (position, rules) in rules.iter().enumerate() {
            match rules {
                Some(rules) => rules
                    .iter()
                    .for_each(|rule| reachability.add_rule(position, rule)),
                None => {
                    reachability.open.insert(position);
                }
            }
        }
        reachability.rules = rules;
        reachability
    }

    fn add_rule(&mut self, policy: usize, rule: &'s Rule) {
        if rule.sources.is_empty() {
            self.open.insert(policy);
        }
        for source in &rule.sources {
            let callee = Callee {
                policy,
                rule,
                source,
            };
            match self.describe(source) {
                AllowedCallers::Anonymous => {} // Look-ups by name never find these.
                AllowedCallers::AnyIdentity => {
                    self.open.insert(policy);
                }
                AllowedCallers::Accounts(accounts) => {
                    for account in accounts {
                        self.by_account.entry(account).or_default().push(callee);
                    }
                }
                AllowedCallers::Namespaces(namespaces) => {
                    for namespace in namespaces {
                        self.by_namespace.entry(namespace).or_default().push(callee);
                    }
                }
                AllowedCallers::Pattern => self.by_pattern.push(callee),
            }
        }
    }

    fn describe(&self, source: &Source) -> AllowedCallers {
        let principals = source.principals_in(self.trust_domains);
        let is_exact = |pattern: &TextMatch| matches!(pattern, TextMatch::Exact(_));
        if source.anonymous || source.matches_only_client_certificates(Effect::Allow) {
            AllowedCallers::Anonymous
        } else if !source.uses_identity() {
            AllowedCallers::AnyIdentity
        } else if !principals.is_empty() && principals.iter().all(is_exact) {
            let accounts = principals
                .iter()
                .filter_map(|id| istio_account(id.literal()));
            let accounts =
                accounts.map(|(namespace, name)| (namespace.to_owned(), name.to_owned()));
            AllowedCallers::Accounts(accounts.collect())
        } else if !source.namespaces.any_of.is_empty()
            && source.namespaces.any_of.iter().all(is_exact)
        {
            let namespaces = source.namespaces.any_of.iter();
            AllowedCallers::Namespaces(namespaces.map(|name| name.literal().to_owned()).collect())
        } else {
            AllowedCallers::Pattern
        }
    }

    /// The callers that the policy at this position, or another policy for its workloads, may
    /// allow.
    pub(crate) fn allowed_callers(&self, policy: usize) -> Vec<AllowedCallers> {
        let Some(Some(rules)) = self.rules.get(policy) else {
            return vec![AllowedCallers::Anonymous];
        };
        let of_rule = |rule: &&Rule| {
            if rule.sources.is_empty() {
                vec![AllowedCallers::AnyIdentity]
            } else {
                let sources = rule.sources.iter();
                sources.map(|source| self.describe(source)).collect()
            }
        };
        rules.iter().flat_map(of_rule).collect()
    }

    /// The positions of the policies that may allow `caller`.
    pub(crate) fn callable_by(&self, caller: MeshCaller<'_>) -> BTreeSet<usize> {
        let namespace = caller.namespace.to_owned();
        let accounts: Vec<_> = match caller.service_account {
            Some(name) => self
                .by_account
                .get(&(namespace, name.to_owned()))
                .into_iter()
                .flatten()
                .collect(),
            None => self
                .by_account
                .range((namespace.clone(), String::new())..)
                .take_while(|((callable_by, _), _)| *callable_by == namespace)
                .flat_map(|(_, callees)| callees)
                .collect(),
        };
        let in_namespace = self.by_namespace.get(caller.namespace);
        let candidates = accounts
            .into_iter()
            .chain(in_namespace.into_iter().flatten())
            .chain(&self.by_pattern);
        let mut found = self.open.clone();
        for callee in candidates {
            if !found.contains(&callee.policy) && self.may_match(caller, callee.rule, callee.source)
            {
                found.insert(callee.policy);
            }
        }
        found
    }

    /// The positions of the policies that may allow any caller.
    pub(crate) fn callable_by_anyone(&self) -> BTreeSet<usize> {
        let by_pattern = self.by_pattern.iter().map(|callee| callee.policy);
        by_pattern.chain(self.open.iter().copied()).collect()
    }

    /// The namespaces that rules name as those of callers.
    pub(crate) fn namespaces(&self) -> BTreeSet<&str> {
        let accounts = self.by_account.keys().map(|(namespace, _)| &**namespace);
        accounts
            .chain(self.by_namespace.keys().map(|namespace| &**namespace))
            .collect()
    }

    /// Whether a rule for which `is_relevant` is true may allow `caller`, of the policy at this
    /// position or of another policy for its workloads.
    pub(crate) fn may_allow(
        &self,
        policy: usize,
        caller: MeshCaller<'_>,
        is_relevant: impl Fn(&Rule) -> bool,
    ) -> bool {
        match self.rules.get(policy) {
            Some(Some(rules)) => rules.iter().any(|rule| {
                let everybody = Source::default();
                let everybody = rule.sources.is_empty().then_some(&everybody);
                let mut sources = rule.sources.iter().chain(everybody);
                is_relevant(rule) && sources.any(|source| self.may_match(caller, rule, source))
            }),
            Some(None) => true,
            None => false,
        }
    }

    fn may_match(&self, caller: MeshCaller<'_>, rule: &Rule, source: &Source) -> bool {
        let conditions = rule.conditions.iter();
        let allowed_callers = conditions.filter_map(|condition| match &condition.test {
            Test::Caller(source) => Some(source),
            _ => None,
        });
        let sources: Vec<_> = std::iter::once(source)
            .chain(allowed_callers.map(AsRef::as_ref))
            .collect();
        self.trust_domains.iter().any(|trust_domain| {
            let mut sources = sources.iter();
            sources.all(|source| source_may_match(source, caller, trust_domain, self.trust_domains))
        })
    }
}

/// Whether a source of a rule may match `caller`, under this trust domain of the mesh.
pub(crate) fn source_may_match(
    source: &Source,
    caller: MeshCaller<'_>,
    trust_domain: &str,
    trust_domains: &TrustDomains,
) -> bool {
    let start = format!("{SCHEME}{trust_domain}/ns/{}/sa/", caller.namespace);
    let text = format!("{start}{}", caller.service_account.unwrap_or("x"));
    let Ok(id) = SpiffeId::parse(text.as_bytes()) else {
        return true;
    };
    let is_principal = |pattern: &TextMatch| match caller.service_account {
        Some(_) => pattern.matches(text.as_bytes()),
        None => match pattern {
            TextMatch::Any | TextMatch::Suffix(_) => true,
            TextMatch::Exact(of_one) => of_one.starts_with(&*start),
            TextMatch::Prefix(of_many) => {
                of_many.starts_with(&*start) || start.starts_with(&**of_many)
            }
        },
    };
    let is_excluded = |pattern: &TextMatch| match caller.service_account {
        Some(_) => pattern.matches(text.as_bytes()),
        None => pattern.matches(start.as_bytes()) && !matches!(pattern, TextMatch::Suffix(_)),
    };
    let is_in = |namespace: &TextMatch| is_in_namespace(&id, namespace);
    let is_of = |domain: &TextMatch| domain.matches(trust_domain.as_bytes());
    let principals = source.principals_in(trust_domains);
    !source.anonymous
        && (principals.is_empty() || principals.iter().any(is_principal))
        && !source
            .not_principals_in(trust_domains)
            .iter()
            .any(is_excluded)
        && source.namespaces.are_met(is_in)
        && source.trust_domains.are_met(is_of)
}

/// The namespace and name of the account in this SPIFFE ID, as Istio forms it.
pub(crate) fn istio_account(id: &str) -> Option<(&str, &str)> {
    let (_, path) = id.strip_prefix(SCHEME)?.split_once('/')?;
    path.strip_prefix("ns/")?.split_once("/sa/")
}

/// The `Allow` rules of policies that apply to the same workload.
fn allow_rules<'s>(
    set: &'s PolicySet,
    overlapping: &[usize],
    expired_rules: ExpiredRules,
) -> Option<Vec<&'s Rule>> {
    let enforced: Vec<_> = overlapping
        .iter()
        .filter_map(|position| set.policies.get(*position))
        .filter(|policy| policy.enforcement == Enforcement::Enforce)
        .collect();
    let mut otherwise = enforced.iter().map(|policy| policy.otherwise_in(&set.mesh));
    if otherwise.all(|otherwise| otherwise == Otherwise::Pass) {
        return None;
    }
    let rules = enforced.into_iter().flat_map(|policy| {
        let rules = policy.rules.iter();
        rules.filter(move |rule| {
            expired_rules == ExpiredRules::Included || !policy.has_expired(rule)
        })
    });
    let may_allow = |rule: &&Rule| {
        rule.effect == Effect::Allow && rule.enforcement != Some(Enforcement::Shadow)
    };
    Some(rules.filter(may_allow).collect())
}
