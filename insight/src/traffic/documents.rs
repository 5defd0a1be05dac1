//! Policies → what a table of their counters wants to know of them, by their labels.

use std::collections::BTreeMap;

use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::PolicySet;
use policy_schema::rule_spec::{RuleSpec, SourceSpec};
use policy_schema::telemetry::PolicyLabel;
use serde_json::Value;

/// What the documents say of policies, by the policies' labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Documents {
    pub(super) policies: BTreeMap<String, Documented>,
}

/// A policy as documented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Documented {
    pub(super) name: PolicyName,
    pub(super) revision: String,
    /// By their ids.
    pub(super) rules: BTreeMap<String, RuleFacts>,
}

/// Whom a rule is for, and whom to ask about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFacts {
    /// Its sources in one line.
    pub from: String,
    /// As the document says; empty where it does not.
    pub owner: String,
}

impl Documents {
    /// What they say of each policy.
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

    /// The policies that they have.
    pub fn names(&self) -> impl Iterator<Item = &PolicyName> {
        self.policies.values().map(|documented| &documented.name)
    }
}

fn facts(rule: &RuleSpec) -> RuleFacts {
    let sources = rule.from.as_deref().unwrap_or_default().iter();
    let sources: Vec<_> = sources.map(source).collect();
    RuleFacts {
        from: if sources.is_empty() {
            "everybody".to_owned()
        } else {
            sources.join("; ")
        },
        owner: rule.owner.clone().unwrap_or_default(),
    }
}

/// A source in one line: its fields as they are written, and the names alone where they say it all.
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
