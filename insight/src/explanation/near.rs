//! The rules nearest to allowing a request.

use std::fmt;

use policy_schema::engine::{Attribute, CompiledPolicy, CompiledRule, NearMiss, RequestAttributes};
use policy_schema::plugin_config::PolicyName;
use policy_schema::printable::printable;
use policy_schema::rule_spec::RuleSpec;
use serde_json::{Value, json};

use super::wanted;

/// The maximum number of near rules.
pub(super) const MAX_NEAR_RULES: usize = 3;

/// A rule with its policy and owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRule {
    /// The policy.
    pub policy: PolicyName,
    /// The ID, unique in the policy.
    pub id: String,
    /// The owner in the document.
    pub owner: Option<String>,
}

/// A rule that does not match, with the differences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearRule {
    /// The rule.
    pub rule: NamedRule,
    /// The differences.
    pub misses: Vec<Miss>,
}

/// A difference between a rule and a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// The attribute.
    pub attribute: Attribute,
    /// The accepted values, as written in the document.
    pub wanted: Vec<String>,
}

/// The rules nearest to allowing a denied request, the nearest first. `spec` finds a rule in the documents.
pub fn nearest<'r>(
    compiled: &CompiledPolicy,
    request: &impl RequestAttributes,
    spec: impl Fn(&CompiledRule) -> Option<&'r RuleSpec>,
) -> Vec<NearRule> {
    let misses = compiled.nearest(request, MAX_NEAR_RULES, usize::MAX);
    misses
        .iter()
        .map(|miss| NearRule::new(miss, &spec))
        .collect()
}

impl NearRule {
    pub(super) fn new<'r>(
        miss: &NearMiss<'_>,
        spec: impl Fn(&CompiledRule) -> Option<&'r RuleSpec>,
    ) -> Self {
        let spec = spec(miss.rule);
        let misses = miss.differences.iter().map(|attribute| {
            let wanted = spec.map(|spec| wanted::wanted(spec, attribute));
            Miss {
                attribute,
                wanted: wanted.unwrap_or_default(),
            }
        });
        Self {
            rule: NamedRule::from(miss.rule),
            misses: misses.collect(),
        }
    }

    /// The rule and its differences as JSON.
    pub fn to_json(&self) -> Value {
        let misses = self.misses.iter();
        let misses: Vec<_> = misses
            .map(|miss| json!({"attribute": miss.attribute.name(), "wanted": miss.wanted}))
            .collect();
        json!({"rule": self.rule.to_json(), "differs": misses})
    }
}

impl NamedRule {
    /// The rule as JSON.
    pub fn to_json(&self) -> Value {
        json!({"policy": self.policy.to_string(), "id": self.id, "owner": self.owner})
    }
}

impl From<&CompiledRule> for NamedRule {
    fn from(rule: &CompiledRule) -> Self {
        Self {
            policy: rule.policy().clone(),
            id: rule.id().to_owned(),
            owner: rule.owner().map(str::to_owned),
        }
    }
}

impl fmt::Display for NamedRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy, id, owner } = self;
        write!(f, "rule {id} of {policy}")?;
        match owner {
            Some(owner) => write!(f, ", owner {}", printable(owner)),
            None => Ok(()),
        }
    }
}
