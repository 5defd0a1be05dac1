//! A reading, and what the documents say → what is to be seen.

mod heading;

use std::collections::{BTreeMap, BTreeSet};

use policy_schema::plugin_config::PolicyName;
use policy_schema::printable::printable;
use policy_schema::telemetry::{DecisionEffect, ObservedValue, PolicyLabel};

use super::documents::{Documents, RuleFacts};
use super::policy_name::policy_name;
use super::reading::{Count, Reading};

/// What is to be seen at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Snapshot {
    /// What is true of all, a line each.
    pub(crate) heading: Vec<String>,
    /// In the order of policies and rules.
    pub(crate) rules: Vec<RuleRow>,
    /// In the order of callers; empty where proxies do not learn.
    pub(crate) callers: Vec<CallerRow>,
    /// Whether whom a rule is for and its owner are known.
    pub(crate) has_documents: bool,
    /// Whether reading failed since, so that rates are old ones.
    pub(crate) is_stale: bool,
}

/// A rule of a policy, or what no rule decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RuleRow {
    pub(crate) policy: String,
    /// `-` where no rule decided.
    pub(crate) rule: String,
    pub(crate) tally: Tally,
    /// Why, where that was counted.
    pub(crate) reasons: BTreeSet<String>,
    pub(crate) facts: RuleFacts,
}

/// A caller, and what it asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CallerRow {
    pub(crate) caller: ObservedValue,
    pub(crate) method: ObservedValue,
    pub(crate) path: ObservedValue,
    pub(crate) policy: String,
    pub(crate) tally: Tally,
}

/// What became of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) allowed: Count,
    pub(crate) denied: Count,
    /// What was done in shadow, whatever it was.
    pub(crate) shadow: Count,
    /// Matches of rules that record or ask another.
    pub(crate) noted: Count,
}

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Order {
    /// By policy and rule, or by caller
    #[default]
    Name,
    /// What is denied most
    Denied,
    /// What is denied or allowed most in shadow
    Shadow,
    /// What is allowed most
    Allowed,
}

impl Tally {
    fn add(&mut self, effect: &str, count: Count) {
        let place = match effect.parse() {
            Ok(DecisionEffect::Allow) => &mut self.allowed,
            Ok(DecisionEffect::Deny) => &mut self.denied,
            Ok(effect) if effect.is_shadow() => &mut self.shadow,
            Ok(_) | Err(_) => &mut self.noted,
        };
        *place = place.plus(count);
    }
}

impl Order {
    /// What it goes by.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Denied => "denied",
            Self::Shadow => "shadow",
            Self::Allowed => "allowed",
        }
    }

    /// The one after it.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Name => Self::Denied,
            Self::Denied => Self::Shadow,
            Self::Shadow => Self::Allowed,
            Self::Allowed => Self::Name,
        }
    }

    /// Puts rows that are in the order of their names into this order. Those that are alike stay as they are.
    pub(super) fn sort<R>(self, rows: &mut [R], tally: impl Fn(&R) -> &Tally) {
        let count = |row: &R| match self {
            Self::Name => Count::default(),
            Self::Denied => tally(row).denied,
            Self::Shadow => tally(row).shadow,
            Self::Allowed => tally(row).allowed,
        };
        rows.sort_by(|a, b| {
            let (a, b) = (count(a), count(b));
            let rate = |count: Count| count.rate.unwrap_or_default();
            rate(b)
                .total_cmp(&rate(a))
                .then(b.total.total_cmp(&a.total))
        });
    }
}

impl Snapshot {
    /// What is to be seen of a reading: of one policy alone if one is named.
    pub(crate) fn new(
        reading: &Reading,
        source: &str,
        documents: Option<&Documents>,
        only: Option<&PolicyName>,
    ) -> Self {
        let only = only.map(PolicyLabel::from);
        let is_wanted = |policy: &str| only.as_ref().is_none_or(|only| only.as_str() == policy);
        let mut rules: BTreeMap<(&str, &str), RuleRow> = BTreeMap::new();
        for (decision, count) in &reading.decisions {
            if !is_wanted(&decision.policy) {
                continue;
            }
            let row = rules
                .entry((&decision.policy, &decision.rule))
                .or_insert_with(|| rule_row(&decision.policy, &decision.rule, documents));
            row.tally.add(&decision.effect, *count);
            if count.total > 0.0 {
                row.reasons.insert(printable(&decision.reason));
            }
        }
        let mut callers: BTreeMap<_, CallerRow> = BTreeMap::new();
        for (request, count) in &reading.observed {
            if !is_wanted(&request.policy) {
                continue;
            }
            let key = (
                &request.caller,
                &request.method,
                &request.path,
                &request.policy,
            );
            let row = callers.entry(key).or_insert_with(|| CallerRow {
                caller: request.caller.clone(),
                method: request.method.clone(),
                path: request.path.clone(),
                policy: policy_name(&request.policy),
                tally: Tally::default(),
            });
            row.tally.add(&request.effect, *count);
        }
        Self {
            heading: heading::lines(reading, source, documents, &is_wanted),
            rules: rules.into_values().collect(),
            callers: callers.into_values().collect(),
            has_documents: documents.is_some(),
            is_stale: false,
        }
    }
}

fn rule_row(policy: &str, rule: &str, documents: Option<&Documents>) -> RuleRow {
    let documented = documents.and_then(|documents| documents.policies.get(policy));
    let facts = documented.and_then(|documented| documented.rules.get(rule));
    RuleRow {
        policy: policy_name(policy),
        rule: printable(rule),
        tally: Tally::default(),
        reasons: BTreeSet::new(),
        facts: facts.cloned().unwrap_or_default(),
    }
}
