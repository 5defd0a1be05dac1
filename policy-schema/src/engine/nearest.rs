//! Which `Allow` rules a denied request came nearest to, and what would have to differ.
//!
//! Only denied requests are searched for, so the search may cost more than a decision. Any client can
//! send requests that are denied, so the filter limits how many rule parts and values it looks at.

use super::evaluation::Evaluation;
use super::request::RequestAttributes;
use super::{CompiledPolicy, CompiledRule};
use crate::timestamp::Phase;

/// What stands between a request and a rule: a set of attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Differences(u16);

/// Something that a rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// Who calls.
    Caller,
    /// Whom the request's JWT is about.
    Token,
    /// Where the request comes from.
    Address,
    /// The method.
    Method,
    /// The path.
    Path,
    /// The host.
    Host,
    /// The port.
    Port,
    /// A condition of `when`.
    When,
    /// The time.
    Time,
}

impl Attribute {
    /// All of them, in the order of a rule.
    pub const ALL: [Self; 9] = [
        Self::Caller,
        Self::Token,
        Self::Address,
        Self::Method,
        Self::Path,
        Self::Host,
        Self::Port,
        Self::When,
        Self::Time,
    ];

    /// The stable name, in replies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Token => "token",
            Self::Address => "address",
            Self::Method => "method",
            Self::Path => "path",
            Self::Host => "host",
            Self::Port => "port",
            Self::When => "when",
            Self::Time => "time",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u8
    }

    /// How far a request is from a rule for this alone. A rule for the same caller is nearer than one
    /// for the same request, unless more than one thing of the request differs.
    const fn weight(self) -> u32 {
        match self {
            Self::Time => 1,
            Self::Token | Self::Address | Self::Method | Self::Host | Self::Port | Self::When => 2,
            Self::Path => 3,
            Self::Caller => 4,
        }
    }
}

impl Differences {
    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this is one of them.
    pub fn contains(self, attribute: Attribute) -> bool {
        self.0 & attribute.bit() != 0
    }

    /// All of them, in the order of a rule.
    pub fn iter(self) -> impl Iterator<Item = Attribute> {
        Attribute::ALL
            .into_iter()
            .filter(move |attribute| self.contains(*attribute))
    }

    pub(super) fn add_if(&mut self, differs: bool, attribute: Attribute) {
        if differs {
            self.0 |= attribute.bit();
        }
    }

    fn weight(self) -> u32 {
        self.iter().map(Attribute::weight).sum()
    }
}

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
