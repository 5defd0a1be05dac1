//! Changes of one policy that may make a denied request be allowed.

use policy_schema::edit::{Edit, EditError, PolicyText};
use policy_schema::plugin_config::PolicyName;
use policy_schema::timestamp::Timestamp;

use super::new_rule::NewRule;
use super::scalar::scalar;

/// A change of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amendment {
    /// One more rule, for this caller and this request alone.
    AddRule(NewRule),
    /// Another end for a rule that has expired.
    Prolong {
        /// Which.
        rule: PolicyRule,
        /// Its new end.
        until: Timestamp,
    },
    /// Another beginning for a rule that does not apply yet.
    Begin {
        /// Which.
        rule: PolicyRule,
        /// Its new beginning.
        from: Timestamp,
    },
    /// No shadow for a rule that would allow the request.
    Enforce {
        /// Which.
        rule: PolicyRule,
    },
    /// An exception for this caller from a `Deny` rule.
    Except {
        /// Which.
        rule: PolicyRule,
        /// Its SPIFFE ID.
        caller: String,
    },
}

/// A rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRule {
    /// The policy.
    pub policy: PolicyName,
    /// The id that the rule has there.
    pub id: String,
}

impl Amendment {
    /// The policy that it changes.
    pub(super) fn policy(&self) -> &PolicyName {
        match self {
            Self::AddRule(rule) => &rule.policy,
            Self::Prolong { rule, .. }
            | Self::Begin { rule, .. }
            | Self::Enforce { rule }
            | Self::Except { rule, .. } => &rule.policy,
        }
    }

    /// The rule that it adds, as an element of a policy's `rules`.
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

    /// The changes of the text that has the policy.
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
