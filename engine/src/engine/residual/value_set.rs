//! Sets of values and patterns, and whether a request's attribute matches them.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::engine::pattern_index::PatternIndex;
use crate::identity::{ClientCertificate, NameKind, SpiffeId};
use crate::matching::host::{has_host, is_ambiguous};
use crate::matching::path::PathTemplate;
use crate::matching::{PathMatch, PathParts, Reading, TextMatch};
use crate::rule::namespace::{has_namespace_end, namespace_part, part_pattern};
use crate::rule::{CertificateMatch, Terms};
use crate::rule_spec::Effect;

/// Tests a request against terms whose lists are sets.
pub(super) trait RequestTerms<S> {
    /// Whether the attribute satisfies the terms. An absent attribute matches no value; under
    /// `none_of` it fails an `Allow` rule and satisfies all others.
    fn matches<'a>(&self, effect: Effect, attribute: impl Fn() -> Option<S::Attribute<'a>>) -> bool
    where
        S: ValueSet;

    /// The same for an attribute with any number of values. `has` tells whether a set contains them
    /// in a reading. An absent attribute satisfies `none_of`, as in Istio.
    fn matches_each(&self, effect: Effect, has: impl Fn(&S, Reading) -> bool) -> bool
    where
        S: MaybeEmpty;

    /// Whether there is no condition on the attribute.
    fn is_unconditional(&self) -> bool
    where
        S: MaybeEmpty;

    /// The number of values that are compared one by one.
    fn value_count(&self) -> usize
    where
        S: ValueCount;
}

impl<S> RequestTerms<S> for Terms<S> {
    fn matches<'a>(&self, effect: Effect, attribute: impl Fn() -> Option<S::Attribute<'a>>) -> bool
    where
        S: ValueSet,
    {
        let reading = Reading::for_values(effect);
        let has_value = || attribute().is_some_and(|value| self.any_of.contains(value, reading));
        (self.any_of.is_empty() || has_value()) && is_not_excluded(&self.none_of, effect, attribute)
    }

    fn matches_each(&self, effect: Effect, has: impl Fn(&S, Reading) -> bool) -> bool
    where
        S: MaybeEmpty,
    {
        (self.any_of.is_empty() || has(&self.any_of, Reading::for_values(effect)))
            && (self.none_of.is_empty() || !has(&self.none_of, Reading::for_exclusions(effect)))
    }

    fn is_unconditional(&self) -> bool
    where
        S: MaybeEmpty,
    {
        self.any_of.is_empty() && self.none_of.is_empty()
    }

    fn value_count(&self) -> usize
    where
        S: ValueCount,
    {
        self.any_of.value_count() + self.none_of.value_count()
    }
}

/// Whether the set is empty or does not contain the request's attribute. An absent attribute fails
/// an `Allow` rule and satisfies all others.
pub(super) fn is_not_excluded<'a, S: ValueSet>(
    none_of: &S,
    effect: Effect,
    attribute: impl Fn() -> Option<S::Attribute<'a>>,
) -> bool {
    let reading = Reading::for_exclusions(effect);
    none_of.is_empty()
        || attribute().map_or(effect != Effect::Allow, |value| {
            !none_of.contains(value, reading)
        })
}

/// A set that imposes no condition if it is empty.
pub(super) trait MaybeEmpty {
    fn is_empty(&self) -> bool;
}

/// A set whose values are compared one by one.
pub(super) trait ValueCount {
    fn value_count(&self) -> usize;
}

impl<V> ValueCount for Vec<V> {
    fn value_count(&self) -> usize {
        self.len()
    }
}

impl ValueCount for HostSet {
    fn value_count(&self) -> usize {
        self.0.len()
    }
}

/// A set of values or patterns.
pub(super) trait ValueSet: MaybeEmpty {
    type Attribute<'a>;
    fn contains(&self, attribute: Self::Attribute<'_>, reading: Reading) -> bool;
}

impl<V> MaybeEmpty for Vec<V> {
    fn is_empty(&self) -> bool {
        <[V]>::is_empty(self)
    }
}

/// Text patterns: compared one by one if there are few, otherwise indexed.
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
    #[inline]
    fn is_empty(&self) -> bool {
        matches!(self, Self::Few(patterns) if patterns.is_empty())
    }
}

impl ValueSet for TextSet {
    type Attribute<'a> = &'a [u8];

    #[inline]
    fn contains(&self, text: &[u8], _: Reading) -> bool {
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

/// Client certificates from outside the mesh: patterns for names of each kind, in the order of
/// [`NameKind::ALL`].
#[derive(Debug)]
pub(super) struct CertificateSet([TextSet; NameKind::ALL.len()]);

impl CertificateSet {
    /// `None` if the set is empty.
    pub(super) fn new(certificates: &[CertificateMatch]) -> Option<Self> {
        let patterns = |kind| {
            let patterns = certificates
                .iter()
                .filter_map(|certificate| match certificate {
                    // Every certificate has a name, and no name is empty.
                    CertificateMatch::Any => Some(TextMatch::Any),
                    CertificateMatch::Name(other, pattern) => {
                        (*other == kind).then(|| pattern.clone())
                    }
                });
            TextSet::new(patterns.collect())
        };
        (!certificates.is_empty()).then(|| Self(NameKind::ALL.map(patterns)))
    }

    /// Whether the set contains any name of the certificate.
    pub(super) fn contains(&self, certificate: &ClientCertificate) -> bool {
        certificate.names().any(|(kind, name)| {
            let mut sets = NameKind::ALL.iter().zip(&self.0);
            // Certificate names have a single spelling.
            sets.any(|(other, set)| {
                *other == kind && set.contains(name.as_bytes(), Reading::Narrow)
            })
        })
    }
}

/// Patterns over the namespaces of callers.
#[derive(Debug, Default)]
pub(super) struct NamespaceSet {
    /// Patterns over the segment of an ID at the position of a namespace.
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

    fn contains(&self, id: &SpiffeId<'_>, reading: Reading) -> bool {
        let has_part =
            || namespace_part(id).is_some_and(|part| self.parts.contains(part.as_bytes(), reading));
        (!self.parts.is_empty() && has_part())
            || self.ends.iter().any(|end| has_namespace_end(id, end))
    }
}

/// Patterns over hosts, in lower case.
#[derive(Debug, Default)]
pub(super) struct HostSet(pub(super) Vec<TextMatch>);

impl HostSet {
    /// Whether `host` is listed as a whole, or by `*`, rather than by prefix or suffix.
    fn lists(&self, host: &[u8]) -> bool {
        let mut patterns = self.0.iter();
        patterns.any(|pattern| pattern.is_whole() && pattern.matches_ignoring_case(host))
    }
}

impl MaybeEmpty for HostSet {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ValueSet for HostSet {
    type Attribute<'a> = &'a [u8];

    /// In the wide reading, any host that the workload may read in `host` counts. In the narrow
    /// reading, prefixes and suffixes do not match an ambiguous host.
    #[inline(never)] // It is called at many places, and the module must stay small.
    fn contains(&self, host: &[u8], reading: Reading) -> bool {
        let mut has = |host: &[u8]| {
            let mut patterns = self.0.iter();
            patterns.any(|pattern| pattern.matches_ignoring_case(host))
        };
        match reading {
            Reading::Wide => has(host) || has_host(host, &mut has),
            Reading::Narrow => has(host) && (!is_ambiguous(host) || self.lists(host)),
        }
    }
}

/// Patterns over paths.
#[derive(Debug)]
pub(super) struct PathSet {
    texts: TextSet,
    templates: Vec<PathTemplate>,
}

impl PathSet {
    pub(super) fn new(patterns: Vec<PathMatch>) -> Self {
        let mut texts = Vec::new();
        let mut templates = Vec::new();
        for pattern in patterns {
            match pattern {
                PathMatch::Text(text) => texts.push(text),
                PathMatch::Template(template) => templates.push(template),
            }
        }
        Self {
            texts: TextSet::new(texts),
            templates,
        }
    }
}

impl ValueCount for PathSet {
    fn value_count(&self) -> usize {
        self.templates.len()
    }
}

impl MaybeEmpty for PathSet {
    fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.templates.is_empty()
    }
}

impl ValueSet for PathSet {
    type Attribute<'a> = &'a PathParts<'a>;

    fn contains(&self, path: &PathParts<'_>, reading: Reading) -> bool {
        let mut templates = self.templates.iter();
        self.texts.contains(path.path(), reading)
            || templates.any(|template| template.matches(path, reading))
    }
}

impl ValueSet for Vec<u16> {
    type Attribute<'a> = u16;

    fn contains(&self, port: u16, _: Reading) -> bool {
        <[u16]>::contains(self, &port)
    }
}

impl ValueSet for Vec<IpNet> {
    type Attribute<'a> = IpAddr;

    /// An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) is in the blocks of both its forms: a proxy
    /// accepts either in `x-forwarded-for`, and both are the same host.
    fn contains(&self, address: IpAddr, _: Reading) -> bool {
        let canonical = address.to_canonical();
        self.iter()
            .any(|block| block.contains(&address) || block.contains(&canonical))
    }
}
