//! Patterns for the values of a header, which clients can repeat.

use super::value_set::{HostSet, MaybeEmpty, RequestTerms, TextSet, ValueSet};
use crate::engine::request::RequestAttributes;
use crate::matching::header::{Run, Separator, ValueList, is_host_header};
use crate::matching::host::is_ambiguous;
use crate::matching::{Reading, TextMatch};
use crate::rule::Terms;
use crate::rule_spec::Effect;

/// Patterns over the values of one header.
#[derive(Debug, Default)]
pub(super) struct HeaderSet {
    texts: TextSet,
    /// Patterns that contain the separator, so that only several joined values match. For hosts,
    /// the patterns that match an ambiguous host as a whole.
    lists: Vec<TextMatch>,
    /// The same patterns in the normalized spelling of value lists.
    runs: Vec<Run>,
    /// The separator between joined values; `None` for pseudo-headers.
    separator: Option<Separator>,
    /// The same patterns, if the header is the host.
    hosts: HostSet,
}

impl HeaderSet {
    /// `name` is in lower case.
    pub(super) fn new(name: &str, patterns: Vec<TextMatch>) -> Self {
        let separator = (!name.starts_with(':')).then(|| Separator::for_header(name));
        let is_host = is_host_header(name);
        let (mut lists, mut runs, mut hosts) = (Vec::new(), Vec::new(), Vec::new());
        for pattern in &patterns {
            let literal = pattern.literal().as_bytes();
            let run = separator.and_then(|separator| separator.to_run(pattern));
            if run.is_some() || (is_host && (literal.is_empty() || is_ambiguous(literal))) {
                lists.push(pattern.clone());
            }
            runs.extend(run);
            if is_host {
                hosts.push(pattern.with_literal(pattern.literal().to_ascii_lowercase()));
            }
        }
        Self {
            texts: TextSet::new(patterns),
            lists,
            runs,
            separator,
            hosts: HostSet(hosts),
        }
    }

    /// Whether the request has the header and it matches. In the narrow reading, each value and
    /// each part of it must match. In the wide reading, one of them or several adjacent ones are
    /// enough.
    fn matches(&self, name: &str, request: &impl RequestAttributes, reading: Reading) -> bool {
        let (mut any, mut all) = (false, true);
        let mut list = ValueList::default();
        request.header(name, &mut |value| match reading {
            Reading::Narrow => {
                any = true;
                all = all && self.all_parts_match(value);
            }
            Reading::Wide => {
                any = any || self.any_part_matches(value);
                if let (false, Some(separator)) = (self.runs.is_empty(), self.separator) {
                    list.add(separator, value);
                }
            }
        });
        (any || list.has_any(&self.runs)) && all
    }

    /// Whether `value` and all parts that a proxy may have joined match. A value that is listed as
    /// a whole is not split.
    #[inline(never)] // It is called at many places, and the module must stay small.
    fn all_parts_match(&self, value: &[u8]) -> bool {
        const NARROW: Reading = Reading::Narrow;
        let is_listed = |pattern: &TextMatch| pattern.is_whole() && pattern.matches(value);
        let is_plain = || self.hosts.is_empty() || !is_ambiguous(value);
        let has_parts = |separator: Separator| {
            !separator.any_part(value, |part| !self.texts.contains(part, NARROW))
        };
        self.texts.contains(value, NARROW)
            && ((is_plain() && self.separator.is_none_or(has_parts))
                || self.lists.iter().any(is_listed))
    }

    /// Whether `value` or a part that a proxy may have joined matches.
    #[inline(never)] // It is called at many places, and the module must stay small.
    fn any_part_matches(&self, value: &[u8]) -> bool {
        const WIDE: Reading = Reading::Wide;
        self.texts.contains(value, WIDE)
            || (!self.hosts.is_empty() && self.hosts.contains(value, WIDE))
            || self.separator.is_some_and(|separator| {
                separator.any_part(value, |part| self.texts.contains(part, WIDE))
            })
    }
}

impl MaybeEmpty for HeaderSet {
    fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

impl Terms<HeaderSet> {
    /// Whether header `name` satisfies a rule with this effect. As in Istio, an absent header is
    /// not excluded.
    pub(super) fn matches_header(
        &self,
        effect: Effect,
        name: &str,
        request: &impl RequestAttributes,
    ) -> bool {
        self.matches_each(effect, |set, reading| set.matches(name, request, reading))
    }
}
