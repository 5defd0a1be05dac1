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
pub struct Snapshot {
    /// What is true of all, a line each.
    pub heading: Vec<String>,
    /// In the order of policies and rules.
    pub rules: Vec<RuleRow>,
    /// In the order of callers; empty where proxies do not learn.
    pub callers: Vec<CallerRow>,
    /// Whether whom a rule is for and its owner are known.
    pub has_documents: bool,
    /// Whether reading failed since, so that rates are old ones.
    pub is_stale: bool,
}

/// A rule of a policy, or what no rule decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleRow {
    /// The policy's name, as `NAMESPACE/NAME`.
    pub policy: String,
    /// `-` where no rule decided.
    pub rule: String,
    /// Of its requests.
    pub tally: Tally,
    /// Why, where that was counted.
    pub reasons: BTreeSet<String>,
    /// What the documents say of it; empty where they are not given.
    pub facts: RuleFacts,
}

/// A caller, and what it asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct CallerRow {
    /// The SPIFFE ID.
    pub caller: ObservedValue,
    /// The HTTP method.
    pub method: ObservedValue,
    /// The path without its query.
    pub path: ObservedValue,
    /// The name of the policy that decided, as `NAMESPACE/NAME`.
    pub policy: String,
    /// Of these requests.
    pub tally: Tally,
}

/// What became of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Requests that were allowed.
    pub allowed: Count,
    /// Requests that were denied.
    pub denied: Count,
    /// What was done in shadow, whatever it was.
    pub shadow: Count,
    /// Matches of rules that record or ask another.
    pub recorded: Count,
}

impl Tally {
    fn add(&mut self, effect: &str, count: Count) {
        let place = match effect.parse() {
            Ok(DecisionEffect::Allow) => &mut self.allowed,
            Ok(DecisionEffect::Deny) => &mut self.denied,
            Ok(effect) if effect.is_shadow() => &mut self.shadow,
            Ok(_) | Err(_) => &mut self.recorded,
        };
        *place = place.plus(count);
    }
}

impl Snapshot {
    /// What is to be seen of a reading: of one policy alone if one is named.
    pub fn new(
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
