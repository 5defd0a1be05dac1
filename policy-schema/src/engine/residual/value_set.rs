//! Sets of values and patterns, and what a request's attribute must be to match them.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::engine::pattern_index::PatternIndex;
use crate::identity::SpiffeId;
use crate::matching::{PathMatch, TextMatch};
use crate::rule::namespace::{has_namespace_end, namespace_part, part_pattern};
use crate::rule_spec::Effect;

/// The two conditions on one attribute: ANY of these values, and NONE of those. An empty set is
/// no condition.
#[derive(Debug, Default)]
pub(super) struct Field<S> {
    pub(super) any_of: S,
    pub(super) none_of: S,
}

impl<S: ValueSet> Field<S> {
    /// What the request does not have matches no value. Under `none_of` it counts against the
    /// caller: it fails an `Allow` rule and satisfies all others.
    pub(super) fn matches<'a>(
        &self,
        effect: Effect,
        attribute: impl Fn() -> Option<S::Attribute<'a>>,
    ) -> bool {
        (self.any_of.is_empty() || attribute().is_some_and(|value| self.any_of.contains(value)))
            && (self.none_of.is_empty()
                || attribute().map_or(effect != Effect::Allow, |value| {
                    !self.none_of.contains(value)
                }))
    }
}

impl<S: MaybeEmpty> Field<S> {
    /// For an attribute that may have many values, of which any one does: `has` says whether one is in
    /// a set. An absent one satisfies `none_of`, as in Istio.
    pub(super) fn matches_each(&self, has: impl Fn(&S) -> bool) -> bool {
        (self.any_of.is_empty() || has(&self.any_of))
            && (self.none_of.is_empty() || !has(&self.none_of))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.any_of.is_empty() && self.none_of.is_empty()
    }
}

/// A set that may be empty, which is no condition.
pub(super) trait MaybeEmpty {
    fn is_empty(&self) -> bool;
}

/// A set of values or patterns.
pub(super) trait ValueSet: MaybeEmpty {
    type Attribute<'a>;
    fn contains(&self, attribute: Self::Attribute<'_>) -> bool;
}

impl<V> MaybeEmpty for Vec<V> {
    fn is_empty(&self) -> bool {
        <[V]>::is_empty(self)
    }
}

/// Text patterns: tried one by one while they are few, else by an index.
#[derive(Debug)]
pub(super) enum TextSet {
    Few(Vec<TextMatch>),
    Many(PatternIndex),
}

impl TextSet {
    const FEW: usize = 8;

    pub(super) fn new(patterns: Vec<TextMatch>) -> Self {
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

impl MaybeEmpty for TextSet {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Few(patterns) if patterns.is_empty())
    }
}

impl ValueSet for TextSet {
    type Attribute<'a> = &'a [u8];

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

/// Patterns over the namespaces of callers.
#[derive(Debug, Default)]
pub(super) struct NamespaceSet {
    /// Over what an ID has in the place of a namespace.
    parts: TextSet,
    ends: Vec<Box<str>>,
}

impl NamespaceSet {
    pub(super) fn new(namespaces: &[TextMatch]) -> Self {
        let is_open = |namespace: &&TextMatch| matches!(namespace, TextMatch::Suffix(_));
        let ends = namespaces.iter().filter(is_open);
        Self {
            parts: TextSet::new(namespaces.iter().filter_map(part_pattern).collect()),
            ends: ends.map(|namespace| namespace.literal().into()).collect(),
        }
    }
}

impl MaybeEmpty for NamespaceSet {
    fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.ends.is_empty()
    }
}

impl ValueSet for NamespaceSet {
    type Attribute<'a> = &'a SpiffeId<'a>;

    fn contains(&self, id: &SpiffeId<'_>) -> bool {
        let has_part =
            || namespace_part(id).is_some_and(|part| self.parts.contains(part.as_bytes()));
        (!self.parts.is_empty() && has_part())
            || self.ends.iter().any(|end| has_namespace_end(id, end))
    }
}

/// Patterns over hosts, in lower case.
#[derive(Debug)]
pub(super) struct HostSet(pub(super) Vec<TextMatch>);

impl MaybeEmpty for HostSet {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ValueSet for HostSet {
    type Attribute<'a> = &'a [u8];

    fn contains(&self, host: &[u8]) -> bool {
        self.0
            .iter()
            .any(|pattern| pattern.matches_ignoring_case(host))
    }
}

impl ValueSet for Vec<PathMatch> {
    type Attribute<'a> = &'a [u8];

    fn contains(&self, path: &[u8]) -> bool {
        self.iter().any(|pattern| pattern.matches(path))
    }
}

impl ValueSet for Vec<u16> {
    type Attribute<'a> = u16;

    fn contains(&self, port: u16) -> bool {
        <[u16]>::contains(self, &port)
    }
}

impl ValueSet for Vec<IpNet> {
    type Attribute<'a> = IpAddr;

    /// An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) is in the blocks of both its forms: a proxy
    /// takes either form from `x-forwarded-for`, and both are the same host.
    fn contains(&self, address: IpAddr) -> bool {
        let canonical = address.to_canonical();
        self.iter()
            .any(|block| block.contains(&address) || block.contains(&canonical))
    }
}
