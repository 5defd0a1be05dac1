//! Policies → what of them is in shadow.

use std::collections::BTreeSet;

use policy_schema::plugin_config::{PluginConfig, PolicyName};
use policy_schema::policy::{PolicySet, ServicePolicy};
use policy_schema::rule_spec::{Effect, Enforcement, Otherwise};

/// Something in shadow that could be enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) policy: PolicyName,
    /// The revision that the documents have of the policy.
    pub(crate) revision: String,
    /// Whether the policy as a whole is in shadow.
    pub(crate) is_policy_in_shadow: bool,
    /// The policy's rules that are in shadow themselves.
    pub(crate) rules_in_shadow: BTreeSet<String>,
    pub(crate) subject: Subject,
}

/// What is in shadow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A policy as a whole.
    Policy {
        /// Policies for some of the same workloads, by their names.
        others: Vec<PolicyName>,
        /// Whether it denies what no rule matches.
        denies_the_rest: bool,
    },
    Rule {
        id: String,
        effect: Effect,
        owner: Option<String>,
    },
}

impl Candidate {
    /// What is in shadow of a set, in the order of the policies and of their rules.
    pub(crate) fn all(set: &PolicySet) -> Vec<Self> {
        let policies = set.policies().iter().enumerate();
        policies
            .flat_map(|(position, policy)| of_policy(set, position, policy))
            .collect()
    }

    /// The rule's id, if it is a rule.
    pub(crate) fn rule(&self) -> Option<&str> {
        match &self.subject {
            Subject::Policy { .. } => None,
            Subject::Rule { id, .. } => Some(id),
        }
    }
}

fn of_policy(set: &PolicySet, position: usize, policy: &ServicePolicy) -> Vec<Candidate> {
    let config = PluginConfig::of_policy(set, policy);
    let is_policy_in_shadow = policy.enforcement() == Enforcement::Shadow;
    let in_shadow: Vec<_> = config
        .rules
        .into_iter()
        .filter(|rule| rule.enforcement == Some(Enforcement::Shadow))
        .collect();
    let rules_in_shadow: BTreeSet<_> = in_shadow.iter().map(|rule| rule.id.clone()).collect();
    let whole = is_policy_in_shadow.then(|| Subject::Policy {
        others: others(set, position, policy),
        denies_the_rest: config.otherwise == Otherwise::Deny,
    });
    let rules = in_shadow.into_iter().map(|rule| Subject::Rule {
        id: rule.id,
        effect: rule.effect,
        owner: rule.owner,
    });
    let revision = config.revision.unwrap_or_default();
    whole
        .into_iter()
        .chain(rules)
        .map(|subject| Candidate {
            policy: policy.name().clone(),
            revision: revision.clone(),
            is_policy_in_shadow,
            rules_in_shadow: rules_in_shadow.clone(),
            subject,
        })
        .collect()
}

/// The policies that are for some of the same workloads, whichever of the filters enforces which.
fn others(set: &PolicySet, position: usize, policy: &ServicePolicy) -> Vec<PolicyName> {
    let along: BTreeSet<_> = policy.enforced_along().collect();
    let policies = set.policies().iter().enumerate();
    policies
        .filter(|(other, policy)| {
            along.contains(other) || policy.enforced_along().any(|along| along == position)
        })
        .map(|(_, policy)| policy.name().clone())
        .collect()
}
