//! A rule in the form in which it is enforced.

use std::sync::Arc;

use super::request::RequestAttributes;
use super::residual::{ResidualCondition, ResidualOperation, ResidualSource};
use crate::plugin_config::PolicyName;
use crate::rule_spec::Effect;
use crate::timestamp::{Phase, Validity};

/// One rule of a compiled policy.
#[derive(Debug)]
pub struct CompiledRule {
    pub(super) position: usize,
    pub(super) policy: Arc<PolicyName>,
    pub(super) id: Box<str>,
    pub(super) effect: Effect,
    pub(super) owner: Option<Box<str>>,
    pub(super) is_shadow: bool,
    pub(super) validity: Validity,
    /// What the index does not know of the rule's sources, in their order.
    pub(super) sources: Vec<ResidualSource>,
    /// What the index does not know of the rule's operations, in their order.
    pub(super) operations: Vec<ResidualOperation>,
    /// All of these.
    pub(super) conditions: Vec<ResidualCondition>,
}

impl CompiledRule {
    /// The policy that the rule is from.
    pub fn policy(&self) -> &PolicyName {
        &self.policy
    }

    /// The rule's id, unique in its policy.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The rule's position among [`CompiledPolicy::rules`](super::CompiledPolicy::rules).
    pub fn position(&self) -> usize {
        self.position
    }

    /// When the rule applies.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Where the request lies in time. Without a clock a rule counts against the caller.
    pub(super) fn phase(&self, request: &impl RequestAttributes) -> Phase {
        if self.validity.is_unlimited() {
            return Phase::Within;
        }
        match (request.now(), self.effect) {
            (Some(now), _) => self.validity.phase(now),
            (None, Effect::Deny | Effect::Audit | Effect::Custom) => Phase::Within,
            (None, Effect::Allow) => Phase::After,
        }
    }

    /// What the rule does when it matches.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Whom to ask about the rule.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// Whether the rule is in shadow.
    pub fn is_shadow(&self) -> bool {
        self.is_shadow
    }

    /// Whether matches of the rule are only recorded. What `Custom` rules match is decided by their
    /// provider, which the proxy asks before.
    pub fn is_recorded(&self) -> bool {
        self.is_shadow || matches!(self.effect, Effect::Audit | Effect::Custom)
    }
}
