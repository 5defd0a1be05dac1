//! A reading and documents → rows to display.

mod heading;

use std::collections::{BTreeMap, BTreeSet};

use policy_schema::printable::printable;
use policy_schema::telemetry::{DecisionEffect, ObservedValue};

use super::documents::{Documents, RuleFacts};
use super::policy_name::{policy_name, policy_with_label};
use super::reading::{Count, Reading};
use crate::policy_selection::PolicySelection;

/// The rows to display.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Summary lines.
    pub heading: Vec<String>,
    /// Rules, sorted by policy and rule.
    pub rules: Vec<RuleRow>,
    /// Callers, sorted. Empty without learning mode.
    pub callers: Vec<CallerRow>,
    /// Whether documents are available.
    pub has_documents: bool,
    /// Whether later readings failed, so that rates are outdated.
    pub is_stale: bool,
}

/// A rule of a policy, or its decisions without a rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleRow {
    /// The policy as `NAMESPACE/NAME`.
    pub policy: String,
    /// The rule, or `-` if no rule decided.
    pub rule: String,
    /// The counts of its requests.
    pub tally: Tally,
    /// The counted reasons.
    pub reasons: BTreeSet<String>,
    /// The documented facts. Empty without documents.
    pub facts: RuleFacts,
}

/// A caller, method and path.
#[derive(Clone, Debug, PartialEq)]
pub struct CallerRow {
    /// The SPIFFE ID.
    pub caller: ObservedValue,
    /// The HTTP method.
    pub method: ObservedValue,
    /// The path without its query.
    pub path: ObservedValue,
    /// The deciding policy as `NAMESPACE/NAME`.
    pub policy: String,
    /// The counts of these requests.
    pub tally: Tally,
}

/// Counts of requests by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Allowed requests.
    pub allowed: Count,
    /// Denied requests.
    pub denied: Count,
    /// Shadow hits of any effect.
    pub shadow: Count,
    /// Matches of `Audit` and `Custom` rules.
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
    /// Creates the rows of a reading, for the selected policies.
    pub fn new(
        reading: &Reading,
        source: &str,
        documents: Option<&Documents>,
        selection: &PolicySelection,
    ) -> Self {
        let is_wanted = |label: &str| {
            selection.is_all()
                || policy_with_label(label).is_some_and(|policy| selection.contains(&policy))
        };
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
