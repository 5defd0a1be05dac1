//! Rules compiled for evaluation.

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
    /// The tests on sources that the index does not cover, in order.
    pub(super) sources: Vec<ResidualSource>,
    /// The tests on operations that the index does not cover, in order.
    pub(super) operations: Vec<ResidualOperation>,
    /// All of these must hold.
    pub(super) conditions: Vec<ResidualCondition>,
}

impl CompiledRule {
    /// The policy that contains the rule.
    #[inline]
    pub fn policy(&self) -> &PolicyName {
        &self.policy
    }

    /// The rule's ID, unique in its policy.
    #[inline]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The rule's position in [`CompiledPolicy::rules`](super::CompiledPolicy::rules).
    #[inline]
    pub fn position(&self) -> usize {
        self.position
    }

    /// When the rule applies.
    #[inline]
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Whether the rule applies at the time of the request. Without a clock, timed rules count
    /// against the caller.
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
    #[inline]
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// The rule's owner.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// Whether the rule is in shadow.
    #[inline]
    pub fn is_shadow(&self) -> bool {
        self.is_shadow
    }

    /// Whether matches of the rule are only recorded. For `Custom` rules the provider decides,
    /// which the proxy asks earlier.
    pub fn is_recorded(&self) -> bool {
        self.is_shadow || matches!(self.effect, Effect::Audit | Effect::Custom)
    }
}
