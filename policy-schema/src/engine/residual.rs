//! What remains to be checked of a rule once the index has found it.

use super::index::Caller;
use super::pattern_index::PatternIndex;
use super::request::RequestAttributes;
use crate::identity::TrustDomains;
use crate::matching::path::PathTemplate;
use crate::matching::{PathMatch, TextMatch};
use crate::rule::{Operation, Source};
use crate::rule_spec::Effect;

/// A source without what the index is keyed by. An anonymous source has nothing left.
#[derive(Debug)]
pub(super) struct ResidualSource {
    principal: Field<TextSet>,
    namespace: Field<TextSet>,
    trust_domain: Field<TextSet>,
}

impl ResidualSource {
    /// What is left of a rule's sources, in their order.
    pub(super) fn all_of(sources: Vec<Source>, trust_domains: &TrustDomains) -> Vec<Self> {
        let residual = |source: Source| Self {
            principal: Field {
                any_of: TextSet::default(),
                none_of: TextSet::new(source.not_principals_in(trust_domains)),
            },
            namespace: Field {
                any_of: TextSet::new(source.namespaces),
                none_of: TextSet::new(source.not_namespaces),
            },
            trust_domain: Field {
                any_of: TextSet::new(source.trust_domains),
                none_of: TextSet::new(source.not_trust_domains),
            },
        };
        sources.into_iter().map(residual).collect()
    }

    /// Whether ALL the fields match.
    pub(super) fn matches(&self, caller: &Caller<'_>, effect: Effect) -> bool {
        let id = match caller {
            Caller::Anonymous => None,
            Caller::Workload(id) => Some(id),
        };
        self.principal
            .matches(effect, || Some(id?.as_str().as_bytes()))
            && self
                .namespace
                .matches(effect, || Some(id?.service_account()?.0.as_bytes()))
            && self
                .trust_domain
                .matches(effect, || Some(id?.trust_domain().as_bytes()))
    }
}

/// An operation without what the index is keyed by.
#[derive(Debug)]
pub(super) struct ResidualOperation {
    templates: Vec<PathTemplate>,
    path: Field<Vec<PathMatch>>,
    method: Field<TextSet>,
    host: Field<HostSet>,
    port: Field<Vec<u16>>,
}

impl ResidualOperation {
    /// What is left of a rule's operations, in their order.
    pub(super) fn all_of(operations: Vec<Operation>) -> Vec<Self> {
        let residual = |operation: Operation| Self {
            templates: operation
                .paths
                .into_iter()
                .filter_map(|path| match path {
                    PathMatch::Template(template) => Some(template),
                    PathMatch::Text(_) => None,
                })
                .collect(),
            path: Field {
                any_of: Vec::new(),
                none_of: operation.not_paths,
            },
            method: Field {
                any_of: TextSet::new(operation.methods),
                none_of: TextSet::new(operation.not_methods),
            },
            host: Field {
                any_of: HostSet(operation.hosts),
                none_of: HostSet(operation.not_hosts),
            },
            port: Field {
                any_of: operation.ports,
                none_of: operation.not_ports,
            },
        };
        operations.into_iter().map(residual).collect()
    }

    /// Whether ALL the fields match. `template` is the position of the template by which the
    /// index found the operation, if it was one.
    pub(super) fn matches(
        &self,
        template: Option<usize>,
        request: &impl RequestAttributes,
        effect: Effect,
    ) -> bool {
        let template_matches = template.is_none_or(|position| {
            let template = self.templates.get(position);
            template
                .zip(request.path())
                .is_some_and(|(template, path)| template.matches(path))
        });
        template_matches
            && self.method.matches(effect, || request.method())
            && self.path.matches(effect, || request.path())
            && self.host.matches(effect, || request.host())
            && self.port.matches(effect, || request.port())
    }
}

/// The two conditions on one attribute: ANY of these values, and NONE of those. An empty set is
/// no condition.
#[derive(Debug)]
struct Field<S> {
    any_of: S,
    none_of: S,
}

impl<S: ValueSet> Field<S> {
    /// What the caller does not have matches no value. Under `none_of` it counts against the
    /// caller: it fails an `Allow` rule and satisfies a `Deny` rule.
    fn matches<'a>(
        &self,
        effect: Effect,
        attribute: impl Fn() -> Option<S::Attribute<'a>>,
    ) -> bool {
        (self.any_of.is_empty() || attribute().is_some_and(|value| self.any_of.contains(value)))
            && (self.none_of.is_empty()
                || attribute().map_or(effect == Effect::Deny, |value| {
                    !self.none_of.contains(value)
                }))
    }
}

/// A set of values or patterns.
trait ValueSet {
    type Attribute<'a>;
    fn is_empty(&self) -> bool;
    fn contains(&self, attribute: Self::Attribute<'_>) -> bool;
}

/// Text patterns: tried one by one while they are few, else by an index.
#[derive(Debug)]
enum TextSet {
    Few(Vec<TextMatch>),
    Many(PatternIndex),
}

impl TextSet {
    const FEW: usize = 8;

    fn new(patterns: Vec<TextMatch>) -> Self {
        if patterns.len() <= Self::FEW {
            return Self::Few(patterns);
        }
        let mut index = PatternIndex::default();
        for pattern in &patterns {
            index.insert(0, pattern, 0);
        }
        Self::Many(index)
    }
}

impl Default for TextSet {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl ValueSet for TextSet {
    type Attribute<'a> = &'a [u8];

    fn is_empty(&self) -> bool {
        matches!(self, Self::Few(patterns) if patterns.is_empty())
    }

    fn contains(&self, text: &[u8]) -> bool {
        match self {
            Self::Few(patterns) => patterns.iter().any(|pattern| pattern.matches(text)),
            Self::Many(index) => {
                let mut is_found = false;
                index.visit(0, text, |_| is_found = true);
                is_found
            }
        }
    }
}

/// Patterns over hosts, in lower case.
#[derive(Debug)]
struct HostSet(Vec<TextMatch>);

impl ValueSet for HostSet {
    type Attribute<'a> = &'a [u8];

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn contains(&self, host: &[u8]) -> bool {
        self.0
            .iter()
            .any(|pattern| pattern.matches_ignoring_case(host))
    }
}

impl ValueSet for Vec<PathMatch> {
    type Attribute<'a> = &'a [u8];

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn contains(&self, path: &[u8]) -> bool {
        self.iter().any(|pattern| pattern.matches(path))
    }
}

impl ValueSet for Vec<u16> {
    type Attribute<'a> = u16;

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn contains(&self, port: u16) -> bool {
        <[u16]>::contains(self, &port)
    }
}
