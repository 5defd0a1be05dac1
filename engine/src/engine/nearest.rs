//! Which `Allow` rules a denied request came nearest to, and what would have to differ.
//!
//! Only denied requests are searched for, so the search may cost more than a decision. Any client can
//! send requests that are denied, so the filter limits how many rule parts and values it looks at.

use super::attribute::{Attribute, Differences};
use super::evaluation::Evaluation;
use super::request::RequestAttributes;
use super::{CompiledPolicy, CompiledRule};
use crate::timestamp::Phase;

/// A rule that does not match, and why.
#[derive(Clone, Copy, Debug)]
pub struct NearMiss<'p> {
    /// The rule.
    pub rule: &'p CompiledRule,
    /// What would have to differ. Never empty.
    pub differences: Differences,
}

impl CompiledPolicy {
    /// The `count` enforced `Allow` rules that come nearest to matching a request, the nearest first, and
    /// of equally near ones the first in the policy. At most `most` parts of rules are looked at, fewer if
    /// they have long lists of values, those for the request's caller first.
    ///
    /// A caller without one identity of the mesh is near to no rule but those that take such callers.
    pub fn nearest(
        &self,
        request: &impl RequestAttributes,
        count: usize,
        most: usize,
    ) -> Vec<NearMiss<'_>> {
        let Ok(caller) = self.caller_of(request) else {
            return Vec::new();
        };
        let near = |miss: &NearMiss<'_>| (miss.differences.weight(), miss.rule.position());
        let mut misses: Vec<NearMiss<'_>> = Vec::new();
        let visit = |rule: &CompiledRule, mut differences: Differences| {
            differences.add_if(rule.phase(request) != Phase::Within, Attribute::Time);
            let Some(rule) = self.rules.get(rule.position()) else {
                return;
            };
            let miss = NearMiss { rule, differences };
            let is_of_rule = |known: &&mut NearMiss<'_>| known.rule.position() == rule.position();
            let known = misses.iter_mut().find(is_of_rule);
            if let Some(known) = known {
                if near(&miss) < near(known) {
                    *known = miss;
                }
            } else if misses.len() < count {
                misses.push(miss);
            } else if let Some(farthest) = misses.iter_mut().max_by_key(|miss| near(miss))
                && near(&miss) < near(farthest)
            {
                *farthest = miss;
            }
        };
        let evaluation = Evaluation::new(caller, request);
        self.allow
            .visit_misses(&self.rules, &evaluation, most, visit);
        // One of a rule's parts may match, and a `Deny` rule overrule it.
        misses.retain(|miss| !miss.differences.is_empty());
        misses.sort_by_key(near);
        misses
    }
}

#[cfg(test)]
mod tests;
