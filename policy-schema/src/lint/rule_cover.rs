//! Determines whether a rule matches every request that another one does, at each enforcement
//! point.
//!
//! A positive answer is a proof. If comparing field by field does not find one, the answer is no.
//! Templates are interpreted as RBAC does, which matches fewer paths than the filter in a rule that
//! stops requests.

use std::cell::Cell;
use std::collections::HashSet;
use std::hash::Hash;

use super::excluded::Blocks;
use crate::enforcement_points::{FilterEnforcement, RbacEnforcement, RbacGap};
use crate::identity::SpiffeId;
use crate::matching::{PathCover, PathMatch, Reading, TextCover, TextMatch};
use crate::policy::{Mesh, ServicePolicy};
use crate::rule::namespace::is_in_namespace;
use crate::rule::{Operation, Rule, Source};
use crate::rule_spec::{Effect, Enforcement};

/// The number of values that may still be compared. Rules are compared pairwise, and so are their
/// operations.
#[derive(Debug)]
pub(super) struct Budget(Cell<usize>);

impl Budget {
    pub(super) fn new(comparisons: usize) -> Self {
        Self(Cell::new(comparisons))
    }

    /// Uses up this many comparisons, if so many are left.
    fn spend(&self, comparisons: usize) -> bool {
        let left = self.0.get().checked_sub(comparisons);
        self.0.set(left.unwrap_or_default());
        left.is_some()
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.0.get() == 0
    }
}

/// A rule with the identities of its sources under each trust domain of the mesh.
#[derive(Debug)]
pub(super) struct Expanded<'r> {
    pub(super) rule: &'r Rule,
    sources: Vec<ExpandedSource<'r>>,
    points: Points,
    /// The number of values in the sources, plus one for each source.
    source_values: usize,
    /// The same for the operations.
    operation_values: usize,
}

/// The enforcement points that enforce a rule.
#[derive(Clone, Copy, Debug)]
struct Points {
    rbac: bool,
    filter: bool,
    /// Whether the mesh has the filter.
    has_filter: bool,
}

#[derive(Debug)]
struct ExpandedSource<'r> {
    source: &'r Source,
    principals: Vec<TextMatch>,
    not_principals: Vec<TextMatch>,
}

impl<'r> Expanded<'r> {
    pub(super) fn new(policy: &ServicePolicy, rule: &'r Rule, mesh: &Mesh) -> Self {
        let trust_domains = mesh.trust_domains();
        let sources = rule.sources.iter();
        let has_filter = mesh.filter_image.is_some();
        Self {
            rule,
            points: Points {
                rbac: RbacEnforcement::for_rule(policy, rule).is_rendered(),
                filter: has_filter && FilterEnforcement::for_rule(rule).is_enforced(),
                has_filter,
            },
            source_values: rule.sources.iter().map(values_of_source).sum(),
            operation_values: rule.operations.iter().map(values_of_operation).sum(),
            sources: sources
                .map(|source| ExpandedSource {
                    source,
                    principals: source.principals_in(trust_domains),
                    not_principals: source.not_principals_in(trust_domains),
                })
                .collect(),
        }
    }

    pub(super) fn is_shadow(&self) -> bool {
        self.rule.enforcement == Some(Enforcement::Shadow)
    }

    /// The number of values in its lists.
    pub(super) fn count_values(&self) -> usize {
        self.source_values + self.operation_values
    }

    /// Whether each point that enforces `other` also enforces this rule.
    pub(super) fn is_enforced_wherever(&self, other: &Self) -> bool {
        (self.points.rbac || !other.points.rbac) && (self.points.filter || !other.points.filter)
    }

    /// Whether a request that the rule denies never passes, as interpreted by the filter and by
    /// RBAC. RBAC sees all traffic, but alone it misses spellings that an `Allow` rule matches in
    /// the filter.
    pub(super) fn denies_at_every_point(&self, other: &Self) -> bool {
        let is_whole = self.points.filter || RbacGap::for_rule(self.rule).next().is_none();
        if other.points.rbac {
            self.points.rbac && (is_whole || !self.points.has_filter)
        } else {
            self.points.filter || !other.points.filter
        }
    }
}

fn values_of_source(source: &Source) -> usize {
    1 + source.principals.any_of.len()
        + source.principals.none_of.len()
        + source.service_accounts.any_of.len()
        + source.service_accounts.none_of.len()
        + source.namespaces.any_of.len()
        + source.namespaces.none_of.len()
        + source.trust_domains.any_of.len()
        + source.trust_domains.none_of.len()
        + source.client_certificates.any_of.len()
        + source.client_certificates.none_of.len()
        + source.request_principals.any_of.len()
        + source.request_principals.none_of.len()
        + source.ip_blocks.any_of.len()
        + source.ip_blocks.none_of.len()
        + source.remote_ip_blocks.any_of.len()
        + source.remote_ip_blocks.none_of.len()
}

fn values_of_operation(operation: &Operation) -> usize {
    1 + operation.methods.any_of.len()
        + operation.methods.none_of.len()
        + operation.paths.any_of.len()
        + operation.paths.none_of.len()
        + operation.hosts.any_of.len()
        + operation.hosts.none_of.len()
        + operation.ports.any_of.len()
        + operation.ports.none_of.len()
}

/// A rule indexed for the comparison with others.
pub(super) struct RuleCover<'r> {
    rule: &'r Rule,
    sources: Vec<SourceCover<'r>>,
    operations: Vec<OperationCover<'r>>,
}

impl<'r> RuleCover<'r> {
    pub(super) fn new(expanded: &'r Expanded<'_>) -> Self {
        let rule = expanded.rule;
        Self {
            rule,
            sources: expanded.sources.iter().map(SourceCover::new).collect(),
            operations: rule.operations.iter().map(OperationCover::new).collect(),
        }
    }

    /// Whether this rule matches whenever `other` does. Its effect must be the same, or `Deny` if
    /// the other's is `Allow`: rules that stop requests match more spellings than rules that let
    /// them pass. Does not compare more than `budget` permits.
    pub(super) fn covers(&self, other: &Expanded<'_>, budget: &Budget) -> bool {
        let validity = self.rule.validity;
        let mut conditions = self.rule.conditions.iter();
        (validity.is_unlimited() || validity == other.rule.validity)
            && budget.spend(1 + conditions.len() * other.rule.conditions.len())
            && conditions.all(|condition| other.rule.conditions.contains(condition))
            // On ports without HTTP, Istio drops an `Allow` rule if any part of it requires HTTP.
            && (self.rule.effect != Effect::Allow
                || !uses_http(self.rule)
                || uses_http(other.rule))
            // Most rules differ in their callers.
            && budget.spend(self.sources.len() * other.source_values)
            && self.covers_sources(other)
            && budget.spend(self.operations.len() * other.operation_values)
            && self.covers_operations(other.rule)
    }

    fn covers_operations(&self, other: &Rule) -> bool {
        let covers = |operation| {
            let mut covers = self.operations.iter();
            covers.any(|cover| cover.covers(operation))
        };
        self.operations.is_empty()
            || (!other.operations.is_empty() && other.operations.iter().all(covers))
    }

    fn covers_sources(&self, other: &Expanded<'_>) -> bool {
        if self.sources.is_empty() {
            // An `Allow` rule without sources matches only callers with an identity of the mesh.
            let mut sources = other.rule.sources.iter();
            return self.rule.effect != Effect::Allow
                || sources.all(|source| {
                    !source.anonymous && !source.matches_only_client_certificates(Effect::Allow)
                });
        }
        let covers = |source| {
            let mut covers = self.sources.iter();
            covers.any(|cover| cover.covers(source))
        };
        !other.sources.is_empty() && other.sources.iter().all(covers)
    }
}

/// Whether any part of the rule requires HTTP.
fn uses_http(rule: &Rule) -> bool {
    let mut operations = rule.operations.iter();
    rule.uses_http_outside_operations() || operations.any(Operation::uses_http)
}

struct SourceCover<'r> {
    source: &'r Source,
    principals: TextCover<'r>,
    not_principals: HashSet<&'r TextMatch>,
    namespaces: NamespaceCover<'r>,
    trust_domains: TextCover<'r>,
    ip_blocks: Blocks,
    remote_ip_blocks: Blocks,
}

impl<'r> SourceCover<'r> {
    fn new(expanded: &'r ExpandedSource<'_>) -> Self {
        let source = expanded.source;
        Self {
            source,
            principals: TextCover::new(expanded.principals.iter().enumerate()),
            not_principals: expanded.not_principals.iter().collect(),
            namespaces: NamespaceCover::new(&source.namespaces.any_of),
            trust_domains: TextCover::new(source.trust_domains.any_of.iter().enumerate()),
            ip_blocks: Blocks::new(&source.ip_blocks.any_of),
            remote_ip_blocks: Blocks::new(&source.remote_ip_blocks.any_of),
        }
    }

    fn covers(&self, other: &ExpandedSource<'_>) -> bool {
        let own = self.source;
        let source = other.source;
        let ids: Option<Vec<SpiffeId<'_>>> = other.principals.iter().map(exact_id).collect();
        let ids = ids.filter(|ids| !ids.is_empty());
        let all_ids = |is: &dyn Fn(&SpiffeId<'_>) -> bool| {
            let mut ids = ids.iter().flatten().peekable();
            ids.peek().is_some() && ids.all(is)
        };
        own.anonymous == source.anonymous
            && own.client_certificates == source.client_certificates
            && covers_list(
                own.principals.any_of.is_empty() && own.service_accounts.any_of.is_empty(),
                &other.principals,
                |principal| self.principals.first(principal).is_some(),
            )
            && (covers_list(
                own.namespaces.any_of.is_empty(),
                &source.namespaces.any_of,
                |namespace| self.namespaces.covers(namespace),
            ) || all_ids(&|id| {
                let mut namespaces = own.namespaces.any_of.iter();
                namespaces.any(|namespace| is_in_namespace(id, namespace))
            }))
            && (covers_list(
                own.trust_domains.any_of.is_empty(),
                &source.trust_domains.any_of,
                |domain| self.trust_domains.first(domain).is_some(),
            ) || all_ids(&|id| {
                let mut domains = own.trust_domains.any_of.iter();
                domains.any(|domain| domain.matches(id.trust_domain().as_bytes()))
            }))
            && covers_list(
                own.request_principals.any_of.is_empty(),
                &source.request_principals.any_of,
                |principal| own.request_principals.any_of.contains(principal),
            )
            && covers_list(
                own.ip_blocks.any_of.is_empty(),
                &source.ip_blocks.any_of,
                |block| self.ip_blocks.first(block).is_some(),
            )
            && covers_list(
                own.remote_ip_blocks.any_of.is_empty(),
                &source.remote_ip_blocks.any_of,
                |block| self.remote_ip_blocks.first(block).is_some(),
            )
            && are_among(self.not_principals.iter().copied(), &other.not_principals)
            && are_among(&own.namespaces.none_of, &source.namespaces.none_of)
            && are_among(&own.trust_domains.none_of, &source.trust_domains.none_of)
            && are_among(
                &own.request_principals.none_of,
                &source.request_principals.none_of,
            )
            && are_among(&own.ip_blocks.none_of, &source.ip_blocks.none_of)
            && are_among(
                &own.remote_ip_blocks.none_of,
                &source.remote_ip_blocks.none_of,
            )
    }
}

fn exact_id(principal: &TextMatch) -> Option<SpiffeId<'_>> {
    match principal {
        TextMatch::Exact(id) => SpiffeId::parse(id.as_bytes()).ok(),
        TextMatch::Any | TextMatch::Prefix(_) | TextMatch::Suffix(_) => None,
    }
}

/// Namespaces with a leading wildcard are matched in other parts of an ID than all others.
struct NamespaceCover<'r> {
    from_start: TextCover<'r>,
    at_end: TextCover<'r>,
}

impl<'r> NamespaceCover<'r> {
    fn new(namespaces: &'r [TextMatch]) -> Self {
        let is_end = |namespace: &TextMatch| matches!(namespace, TextMatch::Suffix(_));
        let (ends, others): (Vec<_>, Vec<_>) = namespaces
            .iter()
            .enumerate()
            .partition(|(_, namespace)| is_end(namespace));
        Self {
            from_start: TextCover::new(others),
            at_end: TextCover::new(ends),
        }
    }

    fn covers(&self, namespace: &TextMatch) -> bool {
        let found = match namespace {
            TextMatch::Suffix(_) => self.at_end.first(namespace),
            TextMatch::Any | TextMatch::Exact(_) | TextMatch::Prefix(_) => {
                self.from_start.first(namespace)
            }
        };
        found.is_some()
    }
}

struct OperationCover<'r> {
    operation: &'r Operation,
    methods: TextCover<'r>,
    paths: PathCover<'r>,
    same_paths: HashSet<&'r PathMatch>,
    hosts: HashSet<&'r TextMatch>,
    ports: HashSet<u16>,
}

impl<'r> OperationCover<'r> {
    fn new(operation: &'r Operation) -> Self {
        Self {
            operation,
            methods: TextCover::new(operation.methods.any_of.iter().enumerate()),
            paths: PathCover::new(&operation.paths.any_of, Reading::Narrow),
            same_paths: operation.paths.any_of.iter().collect(),
            // A pattern does not let ambiguous hosts pass, but an exact host may be ambiguous.
            hosts: operation.hosts.any_of.iter().collect(),
            ports: operation.ports.any_of.iter().copied().collect(),
        }
    }

    fn covers(&self, other: &Operation) -> bool {
        let own = self.operation;
        covers_list(
            own.methods.any_of.is_empty(),
            &other.methods.any_of,
            |method| self.methods.first(method).is_some(),
        ) && covers_list(own.paths.any_of.is_empty(), &other.paths.any_of, |path| {
            self.same_paths.contains(path) || self.paths.first(path).is_some()
        }) && covers_list(own.hosts.any_of.is_empty(), &other.hosts.any_of, |host| {
            self.hosts.contains(host)
        }) && covers_list(own.ports.any_of.is_empty(), &other.ports.any_of, |port| {
            self.ports.contains(port)
        }) && are_among(&own.methods.none_of, &other.methods.none_of)
            && are_among(&own.paths.none_of, &other.paths.none_of)
            && are_among(&own.hosts.none_of, &other.hosts.none_of)
            && are_among(&own.ports.none_of, &other.ports.none_of)
    }
}

/// Whether a list covers all values of `others`. An empty list is no condition and covers
/// everything.
fn covers_list<V>(is_empty: bool, others: &[V], covers: impl Fn(&V) -> bool) -> bool {
    is_empty || (!others.is_empty() && others.iter().all(covers))
}

/// Whether `others` also excludes everything that is excluded here.
fn are_among<'v, V: Eq + Hash + 'v>(
    excluded: impl IntoIterator<Item = &'v V>,
    others: &'v [V],
) -> bool {
    let mut excluded = excluded.into_iter().peekable();
    if excluded.peek().is_none() {
        return true;
    }
    let others: HashSet<_> = others.iter().collect();
    excluded.all(|value| others.contains(value))
}
