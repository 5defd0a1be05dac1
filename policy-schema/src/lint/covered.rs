//! Rules that change no decision, because another rule of the policy decides before them or as they do.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Found;
use super::rule_cover::{Expanded, RuleCover};
use crate::code::Code;
use crate::identity::TrustDomains;
use crate::policy::{PolicySet, ServicePolicy};
use crate::problem::{Cursor, Problems};
use crate::rule::Rule;
use crate::rule_spec::{Effect, RuleSpec};

/// The rules of larger policies are not compared each with each, but only with those that say the same.
const MAX_COMPARED: usize = 256;

/// Rules with more values than this are not compared each with each.
const MAX_VALUES: usize = 1_000;

/// Reports rules that change no decision.
pub(super) fn check(set: &PolicySet, found: &mut Found) {
    for (position, policy) in set.policies().iter().enumerate() {
        if policy.rules.len() < 2 {
            continue;
        }
        let problems = found.of(position);
        if policy.rules.len() <= MAX_COMPARED {
            check_each_with_each(policy, set.mesh().trust_domains(), problems);
        } else {
            check_repeated(policy, problems);
        }
    }
}

/// The rules of a policy, each with what it covers once that is asked.
struct Compared<'r> {
    expanded: &'r [Expanded<'r>],
    covers: Vec<OnceCell<RuleCover<'r>>>,
}

impl<'r> Compared<'r> {
    fn of(expanded: &'r [Expanded<'r>]) -> Self {
        Self {
            expanded,
            covers: expanded.iter().map(|_| OnceCell::new()).collect(),
        }
    }

    /// Whether the rule at one position matches whenever the one at the other does.
    fn covers(&self, broad: usize, narrow: usize) -> bool {
        let (Some(broad), Some(cell), Some(narrow)) = (
            self.expanded.get(broad),
            self.covers.get(broad),
            self.expanded.get(narrow),
        ) else {
            return false;
        };
        cell.get_or_init(|| RuleCover::of(broad)).covers(narrow)
    }

    /// The first rule that denies all that the `Allow` rule at this position allows.
    fn denial_of(&self, position: usize) -> Option<&'r Rule> {
        let allowing = self.expanded.get(position)?;
        if allowing.rule.effect != Effect::Allow || allowing.is_shadow() {
            return None;
        }
        let mut others = self.expanded.iter().enumerate();
        let found = others.find(|(other, denying)| {
            denying.rule.effect == Effect::Deny
                && !denying.is_shadow()
                && self.covers(*other, position)
        });
        found.map(|(_, denying)| denying.rule)
    }

    /// The first rule that already does what the one at this position does. Of several that do the same, the first
    /// one stays.
    fn broader_than(&self, position: usize) -> Option<&'r Rule> {
        let narrow = self.expanded.get(position)?;
        let mut others = self.expanded.iter().enumerate();
        let found = others.find(|(other, broad)| {
            *other != position
                && do_the_same(broad, narrow)
                && self.covers(*other, position)
                && (*other < position || !self.covers(position, *other))
        });
        found.map(|(_, broad)| broad.rule)
    }
}

/// Whether a match of either has the same effect, and the same people answer for it. Rules with the same id are
/// reported as such.
fn do_the_same(rule: &Expanded<'_>, other: &Expanded<'_>) -> bool {
    rule.rule.id != other.rule.id
        && rule.is_shadow() == other.is_shadow()
        && rule.rule.effect == other.rule.effect
        && rule.rule.provider == other.rule.provider
        && rule.rule.owner == other.rule.owner
}

fn check_each_with_each(
    policy: &ServicePolicy,
    trust_domains: &TrustDomains,
    problems: &mut Problems,
) {
    let rules = policy.rules.iter().enumerate();
    let (indexes, expanded): (Vec<_>, Vec<_>) = rules
        .filter(|(_, rule)| count_values(rule) <= MAX_VALUES)
        .map(|(index, rule)| (index, Expanded::of(rule, trust_domains)))
        .unzip();
    let compared = Compared::of(&expanded);
    for (position, (index, expanded)) in indexes.iter().zip(&expanded).enumerate() {
        let id = &expanded.rule.id;
        if let Some(denial) = compared.denial_of(position) {
            report(
                *index,
                Code::ShadowedRule,
                format!(
                    "rule `{id}` allows nothing: rule `{}` denies all of it",
                    denial.id
                ),
                "remove the rule, or narrow the `Deny` rule",
                problems,
            );
        } else if let Some(broad) = compared.broader_than(position) {
            report_redundant(*index, expanded.rule, broad, problems);
        }
    }
}

/// How many values a rule has in its lists.
fn count_values(rule: &Rule) -> usize {
    let sources = rule.sources.iter();
    let sources = sources.map(|source| {
        source.principals.len()
            + source.not_principals.len()
            + source.service_accounts.len()
            + source.not_service_accounts.len()
            + source.namespaces.len()
            + source.not_namespaces.len()
            + source.request_principals.len()
            + source.not_request_principals.len()
            + source.ip_blocks.len()
            + source.not_ip_blocks.len()
            + source.remote_ip_blocks.len()
            + source.not_remote_ip_blocks.len()
    });
    let operations = rule.operations.iter();
    let operations = operations.map(|operation| {
        operation.methods.len()
            + operation.not_methods.len()
            + operation.paths.len()
            + operation.not_paths.len()
            + operation.hosts.len()
            + operation.not_hosts.len()
            + operation.ports.len()
            + operation.not_ports.len()
    });
    sources.chain(operations).sum()
}

/// Rules that are the same word for word, but for their ids and descriptions.
fn check_repeated(policy: &ServicePolicy, problems: &mut Problems) {
    let mut first_by_words = HashMap::with_capacity(policy.rules.len());
    for (index, rule) in policy.rules.iter().enumerate() {
        let first = *first_by_words.entry(digest(&words(rule))).or_insert(rule);
        if first.id != rule.id && words(first) == words(rule) {
            report_redundant(index, rule, first, problems);
        }
    }
}

/// A rule without its name and what is said about it.
fn words(rule: &Rule) -> RuleSpec {
    RuleSpec {
        id: String::new(),
        description: None,
        ..RuleSpec::from(rule)
    }
}

/// A number that equal rules share. A whole rule for each would take as much room as the document.
fn digest(words: &RuleSpec) -> u64 {
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    hasher.finish()
}

fn report_redundant(index: usize, rule: &Rule, broad: &Rule, problems: &mut Problems) {
    report(
        index,
        Code::RedundantRule,
        format!(
            "rule `{}` changes nothing: rule `{}` already does what it does",
            rule.id, broad.id
        ),
        "remove one of the two",
        problems,
    );
}

fn report(index: usize, code: Code, message: String, help: &str, problems: &mut Problems) {
    let rules = Cursor::Root;
    let rules = rules.key("spec");
    let rules = rules.key("rules");
    problems.report(code, &rules.index(index).key("id"), message, help);
}
