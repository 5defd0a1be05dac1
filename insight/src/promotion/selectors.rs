//! Something in shadow → the metrics' selectors for it, in PromQL.

use policy_schema::rule_spec::Enforcement;
use policy_schema::telemetry::{DecisionEffect, PolicyLabel};

use super::candidate::{Candidate, Member, Subject};
use crate::promql::{self, DECISIONS, EFFECT, OBSERVED, POLICY, RULE};

/// The metrics' selectors for something in shadow, as far as a member of it has a part in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Selectors {
    /// The requests that the policy decided about without a say, each counted once; none where it is enforced.
    pub(super) in_shadow: Option<String>,
    /// What of it is there as soon as a proxy has it, whatever it has counted.
    pub(super) present: String,
    /// What would be done.
    pub(super) hits: String,
    /// The same by caller.
    pub(super) observed: String,
}

impl Selectors {
    pub(super) fn new(member: &Member, subject: &Subject) -> Self {
        let policy = promql::is_one_of(POLICY, [PolicyLabel::from(&member.name)]);
        // Matches of rules in shadow are counted beside the decision about the same request. In a policy that is enforced
        // they have effects of their own; in one in shadow only their names tell.
        let rules = member.rules_in_shadow.iter().map(String::as_str);
        let but_rules = if member.rules_in_shadow.is_empty() {
            String::new()
        } else {
            format!(",{}", promql::is_none_of(RULE, rules))
        };
        let decided = promql::is_one_of(
            EFFECT,
            [DecisionEffect::ShadowAllow, DecisionEffect::ShadowDeny],
        );
        let decided = format!("{policy},{decided}{but_rules}");
        let (present, hits) = match subject {
            Subject::Policies { .. } => (
                decided.clone(),
                format!(
                    "{policy},{EFFECT}=\"{}\"{but_rules}",
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

/// The requests that were decided at workloads of a candidate's policies, where some policy is enforced: whichever of
/// the policies for them a decision is counted of.
pub(super) fn decided(candidate: &Candidate) -> Option<String> {
    let members = candidate.members.iter().map(|member| &member.name);
    let policies = members.chain(&candidate.neighbours);
    let policies = promql::is_one_of(POLICY, policies.map(PolicyLabel::from));
    let effects = promql::is_one_of(EFFECT, [DecisionEffect::Allow, DecisionEffect::Deny]);
    candidate
        .is_decided
        .then(|| format!("{DECISIONS}{{{policies},{effects}}}"))
}
