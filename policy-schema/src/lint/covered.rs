//! Reports rules that have no effect, because another rule decides first or equally.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Found;
use super::rule_cover::{Budget, Expanded, RuleCover};
use crate::code::{self, Code};
use crate::policy::{
    Attachment, Gateway, MeshCaller, PolicySet, Reachability, ServicePolicy, covers_workloads_of,
};
use crate::problem::{Cursor, Problems};
use crate::rule::Rule;
use crate::rule_spec::{Effect, Enforcement, RuleSpec};

/// In larger policies, only equal rules are compared.
const MAX_COMPARED: usize = 256;

/// Rules with more values are only compared with equal rules.
const MAX_VALUES: usize = 1_000;

/// The maximum number of compared values per policy.
const MAX_COMPARISONS: usize = 2_000_000;

/// The maximum number of rules in a message.
const MAX_NAMED: usize = 3;

/// Reports rules that have no effect.
pub(super) fn check(set: &PolicySet, overlapping: &[Vec<usize>], found: &mut Found) {
    let denying: Vec<_> = set
        .policies()
        .iter()
        .map(|policy| Denying::new(policy, set))
        .collect();
    let denials: Vec<_> = denying.iter().map(Denials::new).collect();
    let mut shadowed = Shadowed::default();
    for (position, (policy, overlapping)) in set.policies().iter().zip(overlapping).enumerate() {
        let over = overlapping.iter().filter(|other| {
            let policies = set.policies();
            let denying = policies.get(**other);
            **other == position
                || denying.is_some_and(|denying| denies_at_all_workloads_of(denying, policy))
        });
        let over: Vec<_> = over
            .filter_map(|other| Some((*other, denials.get(*other)?)))
            .filter(|(_, denials)| !denials.covers.is_empty())
            .collect();
        if policy.rules.len() < 2 && over.is_empty() {
            continue;
        }
        let budget = Budget::new(MAX_COMPARISONS);
        let problems = found.for_policy(position);
        check_policy(
            (position, policy),
            set,
            &over,
            &budget,
            &mut shadowed,
            problems,
        );
    }
    shadowed.report(set, found);
}

/// Whether the denials of `denying` apply at each workload of `policy`.
fn denies_at_all_workloads_of(denying: &ServicePolicy, policy: &ServicePolicy) -> bool {
    denying.enforcement == Enforcement::Enforce
        && policy.enforcement == Enforcement::Enforce
        && !matches!(policy.attachment, Attachment::Targets(_))
        && covers_workloads_of(denying, policy)
}

/// The enforced `Deny` rules of a policy, with their positions.
struct Denying<'s>(Vec<(usize, Expanded<'s>)>);

impl<'s> Denying<'s> {
    fn new(policy: &'s ServicePolicy, set: &PolicySet) -> Self {
        let rules = policy.rules.iter().enumerate();
        let denying = rules
            .filter(|(_, rule)| rule.effect == Effect::Deny)
            .map(|(index, rule)| (index, Expanded::new(policy, rule, set.mesh())))
            .filter(|(_, rule)| !rule.is_shadow() && rule.count_values() <= MAX_VALUES);
        Self(denying.take(MAX_COMPARED).collect())
    }
}

/// The same, each with its lazily computed cover.
struct Denials<'r> {
    covers: Vec<(usize, &'r Expanded<'r>, OnceCell<RuleCover<'r>>)>,
}

impl<'r> Denials<'r> {
    fn new(denying: &'r Denying<'r>) -> Self {
        let denying = denying.0.iter();
        Self {
            covers: denying
                .map(|(index, rule)| (*index, rule, OnceCell::new()))
                .collect(),
        }
    }

    /// The position of the first that denies everything that `allowing` allows.
    fn denial_of(&self, allowing: &Expanded<'_>, budget: &Budget) -> Option<usize> {
        let mut covers = self.covers.iter();
        let denial = covers.find(|(_, denying, cover)| {
            denying.denies_at_every_point(allowing)
                && cover
                    .get_or_init(|| RuleCover::new(denying))
                    .covers(allowing, budget)
        });
        denial.map(|(index, _, _)| *index)
    }
}

/// The position of a policy in the set, and of a rule in the policy.
type Place = (usize, usize);

/// The `Allow` rules without effect, by the `Deny` rule that denies all of their requests.
#[derive(Default)]
struct Shadowed(BTreeMap<Place, Vec<Place>>);

impl Shadowed {
    /// Reports each cause once: at the `Deny` rule if it denies several rules, or everything.
    fn report(&self, set: &PolicySet, found: &mut Found) {
        let reachability = OnceCell::new();
        let closed = |place: &Place| {
            let (position, policy, rule) = rule_at(set, place)?;
            if policy.exposures.is_empty() {
                return None;
            }
            let reachability = reachability.get_or_init(|| Reachability::with_expired_rules(set));
            allowed_gateway(set, (position, policy), rule, reachability)
        };
        for (place, allowing) in &self.0 {
            let Some((_, denying_policy, denial)) = rule_at(set, place) else {
                continue;
            };
            let gateway = allowing.iter().find_map(closed);
            let consequence = gateway.map_or_else(String::new, |gateway| {
                format!("; this closes the exposure at gateway `{}`", gateway.name)
            });
            let named = |(policy, index): &Place| {
                let (_, policy, rule) = rule_at(set, &(*policy, *index))?;
                Some(if std::ptr::eq(policy, denying_policy) {
                    format!("`{}`", rule.id)
                } else {
                    format!("`{}` of `{}`", rule.id, policy.name())
                })
            };
            if let ([only], false) = (&**allowing, matches_everything(denial)) {
                let Some((position, policy, rule)) = rule_at(set, only) else {
                    continue;
                };
                let of_policy = if std::ptr::eq(policy, denying_policy) {
                    String::new()
                } else {
                    format!(" of `{}`", denying_policy.name())
                };
                let help = match gateway {
                    Some(gateway) => format!(
                        "exempt `{}` from the `Deny` rule, for example with `notServiceAccounts`; to close the exposure, remove it and the rule",
                        gateway.account
                    ),
                    None => "remove the rule, or narrow the `Deny` rule".to_owned(),
                };
                report(
                    only.1,
                    code::SHADOWED_RULE,
                    format!(
                        "rule `{}` allows nothing: rule `{}`{of_policy} denies all of it{consequence}",
                        rule.id, denial.id
                    ),
                    help,
                    found.for_policy(position),
                );
            } else {
                let first: Vec<_> = allowing.iter().take(MAX_NAMED).filter_map(named).collect();
                let others = match allowing.len().saturating_sub(MAX_NAMED) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                report(
                    place.1,
                    code::SHADOWED_RULE,
                    format!(
                        "rule `{}` denies everything these `Allow` rules allow: {}{others}{consequence}",
                        denial.id,
                        first.join(", ")
                    ),
                    "narrow it if one of them should allow something: `Deny` rules take precedence"
                        .to_owned(),
                    found.for_policy(place.0),
                );
            }
        }
    }
}

fn rule_at<'s>(
    set: &'s PolicySet,
    (policy, index): &Place,
) -> Option<(usize, &'s ServicePolicy, &'s Rule)> {
    let found = set.policies().get(*policy)?;
    Some((*policy, found, found.rules.get(*index)?))
}

/// The first gateway of the policy's exposures that the rule allows.
fn allowed_gateway<'s>(
    set: &'s PolicySet,
    (position, policy): (usize, &ServicePolicy),
    rule: &Rule,
    reachability: &Reachability<'_>,
) -> Option<&'s Gateway> {
    let exposures = policy.exposures.iter();
    let mut gateways = exposures.filter_map(|exposure| set.mesh().gateways.get(exposure.gateway));
    gateways.find(|gateway| {
        let caller = MeshCaller {
            namespace: &gateway.account.namespace,
            service_account: Some(&gateway.account.name),
        };
        reachability.may_allow(position, caller, |allowing| std::ptr::eq(allowing, rule))
    })
}

fn matches_everything(rule: &Rule) -> bool {
    rule.sources.is_empty() && rule.operations.is_empty() && rule.conditions.is_empty()
}

/// The rules of a policy, each with its lazily computed cover.
struct Compared<'r> {
    expanded: &'r [Expanded<'r>],
    covers: Vec<OnceCell<RuleCover<'r>>>,
    budget: &'r Budget,
}

/// A rule that makes another one redundant.
struct Broader<'r> {
    rule: &'r Rule,
    /// Whether the rules are equivalent.
    is_equal: bool,
}

impl<'r> Compared<'r> {
    fn new(expanded: &'r [Expanded<'r>], budget: &'r Budget) -> Self {
        Self {
            expanded,
            covers: expanded.iter().map(|_| OnceCell::new()).collect(),
            budget,
        }
    }

    /// Whether the rule at `broad` matches whenever the one at `narrow` does.
    fn covers(&self, broad: usize, narrow: usize) -> bool {
        let (Some(broad), Some(cell), Some(narrow)) = (
            self.expanded.get(broad),
            self.covers.get(broad),
            self.expanded.get(narrow),
        ) else {
            return false;
        };
        let cover = cell.get_or_init(|| RuleCover::new(broad));
        broad.is_enforced_wherever(narrow) && cover.covers(narrow, self.budget)
    }

    /// The first rule that makes the one at this position redundant. Of equivalent rules, the first
    /// stays.
    fn broader_than(&self, position: usize) -> Option<Broader<'r>> {
        let narrow = self.expanded.get(position)?;
        let others = self.expanded.iter().enumerate();
        let mut broader = others.filter_map(|(other, broad)| {
            let covers = other != position
                && have_same_effect(broad, narrow)
                && self.covers(other, position);
            covers
                .then(|| Broader {
                    rule: broad.rule,
                    is_equal: self.covers(position, other),
                })
                .filter(|broader| other < position || !broader.is_equal)
        });
        // Once the budget is used up, later rules might be equivalent.
        broader.next().filter(|_| !self.budget.is_used_up())
    }
}

/// Whether both rules have the same effect and owner. Rules with the same ID are reported
/// elsewhere.
fn have_same_effect(rule: &Expanded<'_>, other: &Expanded<'_>) -> bool {
    rule.rule.id != other.rule.id
        && rule.is_shadow() == other.is_shadow()
        && rule.rule.effect == other.rule.effect
        && rule.rule.provider == other.rule.provider
        && rule.rule.owner == other.rule.owner
}

/// `over` has the `Deny` rules that apply to all workloads of the policy, including its own.
fn check_policy(
    (position, policy): (usize, &ServicePolicy),
    set: &PolicySet,
    over: &[(usize, &Denials<'_>)],
    budget: &Budget,
    shadowed: &mut Shadowed,
    problems: &mut Problems,
) {
    let repeated = repeated(policy);
    if policy.rules.len() > MAX_COMPARED {
        for (index, first) in repeated {
            report_redundant(index, policy, first, true, problems);
        }
        return;
    }
    let rules = policy.rules.iter().enumerate();
    let (indexes, expanded): (Vec<_>, Vec<_>) = rules
        .map(|(index, rule)| (index, Expanded::new(policy, rule, set.mesh())))
        .filter(|(_, expanded)| expanded.count_values() <= MAX_VALUES)
        .unzip();
    let compared = Compared::new(&expanded, budget);
    for (number, (index, expanded)) in indexes.iter().zip(&expanded).enumerate() {
        let denial = (expanded.rule.effect == Effect::Allow && !expanded.is_shadow())
            .then(|| {
                let mut over = over.iter();
                over.find_map(|(other, denials)| {
                    Some((*other, denials.denial_of(expanded, budget)?))
                })
            })
            .flatten();
        if let Some(denial) = denial {
            shadowed
                .0
                .entry(denial)
                .or_default()
                .push((position, *index));
        } else if let Some(first) = repeated.get(index) {
            report_redundant(*index, policy, first, true, problems);
        } else if let Some(broad) = compared.broader_than(number) {
            report_redundant(*index, policy, broad.rule, broad.is_equal, problems);
        }
    }
}

/// Rules that repeat an earlier one, except for ID and description, by position.
fn repeated(policy: &ServicePolicy) -> BTreeMap<usize, &Rule> {
    let mut first_by_words = HashMap::with_capacity(policy.rules.len());
    let mut repeated = BTreeMap::new();
    for (index, rule) in policy.rules.iter().enumerate() {
        let first = *first_by_words
            .entry(digest(&without_documentation(rule)))
            .or_insert(rule);
        if first.id != rule.id && without_documentation(first) == without_documentation(rule) {
            repeated.insert(index, first);
        }
    }
    repeated
}

/// A rule without its ID and description.
fn without_documentation(rule: &Rule) -> RuleSpec {
    RuleSpec {
        id: String::new(),
        description: None,
        ..RuleSpec::from(rule)
    }
}

/// A hash for the comparison of rules. Whole rules would take as much memory as the document.
fn digest(without_documentation: &RuleSpec) -> u64 {
    let mut hasher = DefaultHasher::new();
    without_documentation.hash(&mut hasher);
    hasher.finish()
}

/// `is_equal` tells whether the rules are equivalent.
fn report_redundant(
    index: usize,
    policy: &ServicePolicy,
    broad: &Rule,
    is_equal: bool,
    problems: &mut Problems,
) {
    let Some(rule) = policy.rules.get(index) else {
        return;
    };
    let help = if is_equal {
        "remove one of the two".to_owned()
    } else {
        format!(
            "remove `{}`, or narrow `{}` if it matches too much",
            rule.id, broad.id
        )
    };
    report(
        index,
        code::REDUNDANT_RULE,
        format!(
            "rule `{}` is redundant: rule `{}` already covers it",
            rule.id, broad.id
        ),
        help,
        problems,
    );
}

fn report(index: usize, code: Code, message: String, help: String, problems: &mut Problems) {
    let rules = Cursor::Root;
    let rules = rules.key("spec");
    let rules = rules.key("rules");
    problems.report(code, &rules.index(index).key("id"), message, help);
}
