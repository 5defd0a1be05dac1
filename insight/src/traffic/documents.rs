//! Policies → facts for tables of counters, by metric label.

use std::collections::BTreeMap;

use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::PolicySet;
use policy_schema::rule_spec::{RuleSpec, SourceSpec};
use policy_schema::telemetry::PolicyLabel;
use serde_json::Value;

/// Documented policies by metric label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Documents {
    pub(super) policies: BTreeMap<String, Documented>,
}

/// A documented policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Documented {
    pub(super) name: PolicyName,
    pub(super) revision: String,
    /// Rules by ID.
    pub(super) rules: BTreeMap<String, RuleFacts>,
}

/// The sources and the owner of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFacts {
    /// The sources in one line.
    pub from: String,
    /// The owner. Empty if not set.
    pub owner: String,
}

impl Documents {
    /// Collects the facts of each policy.
    pub fn new(set: &PolicySet) -> Self {
        let policies = set.policies().iter().map(|policy| {
            let rollout = set.rollout(policy);
            let rules = rollout.config().rules.iter();
            let documented = Documented {
                name: policy.name().clone(),
                revision: rollout.revision().to_string(),
                rules: rules.map(|rule| (rule.id.clone(), facts(rule))).collect(),
            };
            (PolicyLabel::from(policy.name()).to_string(), documented)
        });
        Self {
            policies: policies.collect(),
        }
    }

    /// The documented policies.
    pub fn names(&self) -> impl Iterator<Item = &PolicyName> {
        self.policies.values().map(|documented| &documented.name)
    }
}

fn facts(rule: &RuleSpec) -> RuleFacts {
    let sources = rule.from.as_deref().unwrap_or_default().iter();
    let sources: Vec<_> = sources.map(source).collect();
    RuleFacts {
        from: if sources.is_empty() {
            "any caller".to_owned()
        } else {
            sources.join("; ")
        },
        owner: rule.owner.clone().unwrap_or_default(),
    }
}

/// Formats a source in one line. Unambiguous values have no field name.
fn source(source: &SourceSpec) -> String {
    let Ok(Value::Object(fields)) = serde_json::to_value(source) else {
        return String::new();
    };
    let fields: Vec<_> = fields
        .iter()
        .map(|(field, value)| match (field.as_str(), values(value)) {
            ("anonymous", _) => "anonymous".to_owned(),
            ("serviceAccounts" | "principals", values) => values,
            (field, values) => format!("{field} {values}"),
        })
        .collect();
    fields.join(" and ")
}

fn values(value: &Value) -> String {
    let values = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let values: Vec<_> = values
        .iter()
        .map(|value| value.as_str().unwrap_or_default())
        .collect();
    values.join(",")
}
