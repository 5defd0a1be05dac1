//! The rules that come nearest to allowing a request, for people and for programs.

use std::fmt;

use policy_schema::engine::{Attribute, CompiledPolicy, CompiledRule, NearMiss, RequestAttributes};
use policy_schema::printable::printable;
use policy_schema::rule_spec::RuleSpec;
use serde_json::{Value, json};

use super::wanted;

/// How many of them are reported.
pub(super) const NEAR_RULES: usize = 3;

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedRule {
    pub(crate) policy: String,
    pub(crate) id: String,
    pub(crate) owner: Option<String>,
}

/// A rule that does not match, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NearRule {
    pub(crate) rule: NamedRule,
    pub(crate) misses: Vec<Miss>,
}

/// What a rule asks for and the request has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Miss {
    pub(crate) attribute: Attribute,
    /// What the rule takes, as it is written.
    pub(crate) wanted: Vec<String>,
}

/// Several rules that come near, one below the other.
pub(crate) struct NearRules<'n>(pub(crate) &'n [NearRule]);

/// The rules that come nearest to allowing a denied request, the nearest first. `spec` finds a rule as it is written.
pub(crate) fn nearest<'r>(
    compiled: &CompiledPolicy,
    request: &impl RequestAttributes,
    spec: impl Fn(&CompiledRule) -> Option<&'r RuleSpec>,
) -> Vec<NearRule> {
    let misses = compiled.nearest(request, NEAR_RULES, usize::MAX);
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

    pub(crate) fn to_json(&self) -> Value {
        let misses = self.misses.iter();
        let misses: Vec<_> = misses
            .map(|miss| json!({"attribute": miss.attribute.name(), "wanted": miss.wanted}))
            .collect();
        json!({"rule": self.rule.to_json(), "differs": misses})
    }
}

impl NamedRule {
    pub(crate) fn to_json(&self) -> Value {
        json!({"policy": self.policy, "id": self.id, "owner": self.owner})
    }
}

impl From<&CompiledRule> for NamedRule {
    fn from(rule: &CompiledRule) -> Self {
        Self {
            policy: rule.policy().to_string(),
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

impl fmt::Display for NearRules<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\nThe rules that come nearest, and what they ask for instead:"
        )?;
        for near in self.0 {
            writeln!(f, "  {}", near.rule)?;
            for miss in &near.misses {
                let wanted = if miss.wanted.is_empty() {
                    "something else".to_owned()
                } else {
                    miss.wanted.join(", ")
                };
                writeln!(f, "    {:8}{}", miss.attribute.name(), printable(&wanted))?;
            }
        }
        Ok(())
    }
}
