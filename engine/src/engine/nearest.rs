//! Finds the `Allow` rules that are nearest to a denied request, and the differences.
//!
//! Only denied requests are searched, so the search may cost more than a decision. Any client can
//! cause denials, so the filter limits the number of rule parts and values that are compared.

use super::attribute::{Attribute, Differences};
use super::evaluation::Evaluation;
use super::request::RequestAttributes;
use super::{CompiledPolicy, CompiledRule};
use crate::timestamp::Phase;

/// A rule that does not match, and the differences.
#[derive(Clone, Copy, Debug)]
pub struct NearMiss<'p> {
    /// The rule.
    pub rule: &'p CompiledRule,
    /// The differences. Never empty.
    pub differences: Differences,
}

impl CompiledPolicy {
    /// The `count` enforced `Allow` rules nearest to a request, nearest first, then in the policy's
    /// order. Compares at most `limit` rule parts, those for the request's caller first, and fewer
    /// if they have long lists of values.
    ///
    /// For a caller without a mesh identity, only rules for such callers are considered.
    pub fn nearest(
        &self,
        request: &impl RequestAttributes,
        count: usize,
        limit: usize,
    ) -> Vec<NearMiss<'_>> {
        let Ok(caller) = self.caller_of(request) else {
            return Vec::new();
        };
        let near = |miss: &NearMiss<'_>| (miss.differences.weight(), miss.rule.position());
        // In this order.
        let mut misses: Vec<NearMiss<'_>> = Vec::new();
        let visit = |rule: &CompiledRule, mut differences: Differences| {
            differences.add_if(rule.phase(request) != Phase::Within, Attribute::Time);
            let Some(rule) = self.rules.get(rule.position()) else {
                return;
            };
            let miss = NearMiss { rule, differences };
            let is_of_rule = |known: &NearMiss<'_>| known.rule.position() == rule.position();
            let place = misses.partition_point(|known| near(known) <= near(&miss));
            let (nearer, _) = misses.split_at_checked(place).unwrap_or_default();
            if nearer.iter().any(is_of_rule) {
                return;
            }
            misses.retain(|known| !is_of_rule(known));
            misses.insert(place, miss);
            misses.truncate(count);
        };
        let evaluation = Evaluation::new(caller, request);
        self.allow
            .visit_misses(&self.rules, &evaluation, limit, visit);
        // A rule can match in one part and be overruled by a `Deny` rule.
        misses.retain(|miss| !miss.differences.is_empty());
        misses
    }
}

#[cfg(test)]
mod tests;
