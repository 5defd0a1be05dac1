//! Changes of one policy that may allow a denied request.

use policy_schema::edit::{Edit, EditError, PolicyText};
use policy_schema::plugin_config::PolicyName;
use policy_schema::timestamp::Timestamp;

use super::new_rule::NewRule;
use super::scalar::scalar;

/// A change of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// Adds a rule for exactly this caller and request.
    AddRule(NewRule),
    /// Extends an expired rule.
    Prolong {
        /// The rule.
        rule: PolicyRule,
        /// The new end.
        until: Timestamp,
    },
    /// Moves the beginning of a rule that is not yet valid.
    Begin {
        /// The rule.
        rule: PolicyRule,
        /// The new beginning.
        from: Timestamp,
    },
    /// Enforces a shadow rule that would allow the request.
    Enforce {
        /// The rule.
        rule: PolicyRule,
    },
    /// Excludes this caller from a `Deny` rule.
    Except {
        /// The rule.
        rule: PolicyRule,
        /// The SPIFFE ID of the caller.
        caller: String,
    },
}

/// A rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRule {
    /// The policy.
    pub policy: PolicyName,
    /// The ID of the rule.
    pub id: String,
}

impl Amendment {
    /// The changed policy.
    pub(super) fn policy(&self) -> &PolicyName {
        match self {
            Self::AddRule(rule) => &rule.policy,
            Self::Prolong { rule, .. }
            | Self::Begin { rule, .. }
            | Self::Enforce { rule }
            | Self::Except { rule, .. } => &rule.policy,
        }
    }

    /// The added rule, as an element of `rules`.
    pub(super) fn rule_to_paste(&self) -> Option<String> {
        let Self::AddRule(rule) = self else {
            return None;
        };
        let lines = rule.lines().into_iter().enumerate();
        let lines = lines.map(|(position, line)| {
            let dash = if position == 0 { "-" } else { " " };
            format!("    {dash} {line}\n")
        });
        Some(lines.collect())
    }

    /// The edits of the policy's text.
    pub(super) fn edits(&self, text: &PolicyText<'_>) -> Result<Vec<Edit>, EditError> {
        match self {
            Self::AddRule(rule) => Ok(vec![text.append_rule(&rule.policy, &rule.lines())?]),
            Self::Prolong { rule, until } => {
                let value = format!("\"{until}\"");
                Ok(vec![text.replace_rule_field(
                    &rule.policy,
                    &rule.id,
                    "notAfter",
                    &value,
                )?])
            }
            Self::Begin { rule, from } => {
                let value = format!("\"{from}\"");
                Ok(vec![text.replace_rule_field(
                    &rule.policy,
                    &rule.id,
                    "notBefore",
                    &value,
                )?])
            }
            Self::Enforce { rule } => Ok(vec![text.remove_rule_field(
                &rule.policy,
                &rule.id,
                "enforcement",
            )?]),
            Self::Except { rule, caller } => {
                text.except_from_sources(&rule.policy, &rule.id, &scalar(caller))
            }
        }
    }
}
