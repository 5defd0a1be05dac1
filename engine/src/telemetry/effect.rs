//! The effects of decisions and rules.

use super::word::words;
use crate::rule_spec::{Effect, Enforcement};

words! {
    "effect"
    /// The effect of a decision or of a matching rule, as reported by metrics and logs.
    DecisionEffect {
        /// The request was allowed.
        Allow = "allow",
        /// The request was denied.
        Deny = "deny",
        /// A policy or rule in shadow would allow the request.
        ShadowAllow = "shadow_allow",
        /// A policy or rule in shadow would deny the request.
        ShadowDeny = "shadow_deny",
        /// An `Audit` rule matched.
        Audit = "audit",
        /// An `Audit` rule in shadow matched.
        ShadowAudit = "shadow_audit",
        /// A `Custom` rule matched.
        Custom = "custom",
        /// A `Custom` rule in shadow matched.
        ShadowCustom = "shadow_custom",
    }
}

impl DecisionEffect {
    /// The effect of a rule, enforced or in shadow.
    pub const fn new(effect: Effect, enforcement: Enforcement) -> Self {
        match (effect, enforcement) {
            (Effect::Allow, Enforcement::Enforce) => Self::Allow,
            (Effect::Allow, Enforcement::Shadow) => Self::ShadowAllow,
            (Effect::Deny, Enforcement::Enforce) => Self::Deny,
            (Effect::Deny, Enforcement::Shadow) => Self::ShadowDeny,
            (Effect::Audit, Enforcement::Enforce) => Self::Audit,
            (Effect::Audit, Enforcement::Shadow) => Self::ShadowAudit,
            (Effect::Custom, Enforcement::Enforce) => Self::Custom,
            (Effect::Custom, Enforcement::Shadow) => Self::ShadowCustom,
        }
    }

    /// Whether nothing was enforced.
    pub const fn is_shadow(self) -> bool {
        match self {
            Self::ShadowAllow | Self::ShadowDeny | Self::ShadowAudit | Self::ShadowCustom => true,
            Self::Allow | Self::Deny | Self::Audit | Self::Custom => false,
        }
    }
}
