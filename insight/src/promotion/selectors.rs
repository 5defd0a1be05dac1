//! A candidate → PromQL selectors of its metrics.

use policy_schema::rule_spec::Enforcement;
use policy_schema::telemetry::{DecisionEffect, PolicyLabel};

use super::candidate::{Candidate, Member, Subject};
use crate::promql::{self, DECISIONS, EFFECT, OBSERVED, POLICY, RULE};

/// The selectors for one member of a candidate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Selectors {
    /// Requests that the policy decided in shadow, each counted once. None if it is enforced.
    pub(super) in_shadow: Option<String>,
    /// Series that exist as soon as a proxy has the policy.
    pub(super) present: String,
    /// Shadow hits.
    pub(super) hits: String,
    /// Shadow hits by caller.
    pub(super) observed: String,
}

impl Selectors {
    pub(super) fn new(member: &Member, subject: &Subject) -> Self {
        let policy = promql::is_one_of(POLICY, [PolicyLabel::from(&member.name)]);
        // Matches of shadow rules are counted in addition to the decision. In an enforced policy their effects distinguish
        // them, in a shadow policy only their names.
        let rules = member.rules_in_shadow.iter().map(String::as_str);
        let except_rules = if member.rules_in_shadow.is_empty() {
            String::new()
        } else {
            format!(",{}", promql::is_none_of(RULE, rules))
        };
        let decided = promql::is_one_of(
            EFFECT,
            [DecisionEffect::ShadowAllow, DecisionEffect::ShadowDeny],
        );
        let decided = format!("{policy},{decided}{except_rules}");
        let (present, hits) = match subject {
            Subject::Policies { .. } => (
                decided.clone(),
                format!(
                    "{policy},{EFFECT}=\"{}\"{except_rules}",
                    DecisionEffect::ShadowDeny
                ),
            ),
            Subject::Rule { id, effect, .. } => {
                let effect = DecisionEffect::new(*effect, Enforcement::Shadow);
                let rule = promql::is_one_of(RULE, [&**id]);
                let of_rule = format!("{policy},{rule},{EFFECT}=\"{effect}\"");
                (of_rule.clone(), of_rule)
            }
        };
        Self {
            in_shadow: member
                .is_in_shadow
                .then(|| format!("{DECISIONS}{{{decided}}}")),
            present: format!("{DECISIONS}{{{present}}}"),
            observed: format!("{OBSERVED}{{{hits}}}"),
            hits: format!("{DECISIONS}{{{hits}}}"),
        }
    }
}

/// Requests decided at the candidate's workloads with an enforced policy, whichever policy counts the decision.
pub(super) fn decided(candidate: &Candidate) -> Option<String> {
    let members = candidate.members.iter().map(|member| &member.name);
    let policies = members.chain(&candidate.neighbours);
    let policies = promql::is_one_of(POLICY, policies.map(PolicyLabel::from));
    let effects = promql::is_one_of(EFFECT, [DecisionEffect::Allow, DecisionEffect::Deny]);
    candidate
        .is_decided
        .then(|| format!("{DECISIONS}{{{policies},{effects}}}"))
}
