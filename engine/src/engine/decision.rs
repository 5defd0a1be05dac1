//! The result of an evaluation.

use super::CompiledRule;
use crate::rule_spec::{Effect, Enforcement};
use crate::telemetry::{DecisionEffect, ReasonCode};

/// The decision for one request. It always has a reason, and the reason determines the outcome.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'p> {
    pub(super) reason: Reason<'p>,
    pub(super) enforcement: Enforcement,
}

/// Whether the policies allow a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionOutcome {
    /// The request is allowed.
    Allowed,
    /// The request is denied.
    Denied,
}

/// Why a request is allowed or denied. Borrows the rule from the policy.
#[derive(Clone, Copy, Debug)]
pub enum Reason<'p> {
    /// An `Allow` rule matched and no `Deny` rule did.
    AllowedByRule(&'p CompiledRule),
    /// No `Deny` rule matched, and requests pass by default.
    NotDenied,
    /// A `Deny` rule matched.
    DeniedByRule(&'p CompiledRule),
    /// The caller has no identity, and no rule allows anonymous callers here.
    NoIdentity,
    /// The caller did not present exactly one SPIFFE ID.
    MalformedIdentity,
    /// The caller's trust domain is not one of the mesh's.
    ForeignTrustDomain,
    /// An `Allow` rule would match, but has expired.
    ExpiredRule(&'p CompiledRule),
    /// An `Allow` rule would match, but is not yet valid.
    RuleNotYetValid(&'p CompiledRule),
    /// No rule matched.
    NoRuleMatched,
    /// The gateway did not validate the caller's certificate, so the caller has no identity, and no
    /// rule allows anonymous callers here.
    UnvalidatedCertificate,
}

impl DecisionOutcome {
    /// The effect that metrics and logs report.
    pub fn effect(self, enforcement: Enforcement) -> DecisionEffect {
        let effect = match self {
            Self::Allowed => Effect::Allow,
            Self::Denied => Effect::Deny,
        };
        DecisionEffect::new(effect, enforcement)
    }
}

impl<'p> Decision<'p> {
    /// Whether the policies allow the request.
    #[inline]
    pub fn outcome(&self) -> DecisionOutcome {
        self.reason.outcome()
    }

    /// The reason for the decision.
    #[inline]
    pub fn reason(&self) -> Reason<'p> {
        self.reason
    }

    /// The effect that metrics and logs report.
    pub fn effect(&self) -> DecisionEffect {
        self.outcome().effect(self.enforcement)
    }

    /// Whether the decision is enforced.
    #[inline]
    pub fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// Whether the request passes, because it is allowed or the policy is in shadow.
    #[inline]
    pub fn lets_pass(&self) -> bool {
        self.outcome() == DecisionOutcome::Allowed || self.enforcement == Enforcement::Shadow
    }
}

impl<'p> Reason<'p> {
    /// The stable name of the reason in metrics, logs and replies.
    pub fn code(&self) -> ReasonCode {
        match self {
            Self::AllowedByRule(_) => ReasonCode::AllowedByRule,
            Self::NotDenied => ReasonCode::NotDenied,
            Self::DeniedByRule(_) => ReasonCode::DeniedByRule,
            Self::NoIdentity => ReasonCode::NoIdentity,
            Self::MalformedIdentity => ReasonCode::MalformedIdentity,
            Self::ForeignTrustDomain => ReasonCode::ForeignTrustDomain,
            Self::ExpiredRule(_) => ReasonCode::ExpiredRule,
            Self::RuleNotYetValid(_) => ReasonCode::RuleNotYetValid,
            Self::NoRuleMatched => ReasonCode::NoRuleMatched,
            Self::UnvalidatedCertificate => ReasonCode::UnvalidatedCertificate,
        }
    }

    /// The outcome that the reason justifies.
    #[inline]
    pub fn outcome(&self) -> DecisionOutcome {
        match self {
            Self::AllowedByRule(_) | Self::NotDenied => DecisionOutcome::Allowed,
            Self::DeniedByRule(_)
            | Self::NoIdentity
            | Self::MalformedIdentity
            | Self::ForeignTrustDomain
            | Self::ExpiredRule(_)
            | Self::RuleNotYetValid(_)
            | Self::NoRuleMatched
            | Self::UnvalidatedCertificate => DecisionOutcome::Denied,
        }
    }

    /// The rule that the reason refers to.
    #[inline]
    pub fn rule(&self) -> Option<&'p CompiledRule> {
        match self {
            Self::AllowedByRule(rule)
            | Self::DeniedByRule(rule)
            | Self::ExpiredRule(rule)
            | Self::RuleNotYetValid(rule) => Some(rule),
            Self::NotDenied
            | Self::NoIdentity
            | Self::MalformedIdentity
            | Self::ForeignTrustDomain
            | Self::NoRuleMatched
            | Self::UnvalidatedCertificate => None,
        }
    }
}
