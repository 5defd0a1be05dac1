//! What the engine answers.

use super::CompiledRule;
use crate::rule_spec::{Effect, Enforcement};
use crate::telemetry::{DecisionEffect, ReasonCode};

/// The answer to one request: never without a reason, and never with one that contradicts it.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'p> {
    pub(super) reason: Reason<'p>,
    pub(super) enforcement: Enforcement,
}

/// What the policies say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is allowed.
    Allowed,
    /// It is denied.
    Denied,
}

/// Why a request is allowed or denied. Borrows the rule from the policy.
#[derive(Clone, Copy, Debug)]
pub enum Reason<'p> {
    /// An `Allow` rule matched and no `Deny` rule did.
    AllowedByRule(&'p CompiledRule),
    /// No `Deny` rule matched, and what is not denied passes.
    NotDenied,
    /// A `Deny` rule matched.
    DeniedByRule(&'p CompiledRule),
    /// The caller has no identity, and no rule allows it to be anonymous here.
    NoIdentity,
    /// The caller presented something that is not one SPIFFE ID.
    MalformedIdentity,
    /// The caller's trust domain is not one of the mesh's.
    ForeignTrustDomain,
    /// An `Allow` rule would match, had it not expired.
    ExpiredRule(&'p CompiledRule),
    /// An `Allow` rule would match, but does not apply yet.
    RuleNotYetValid(&'p CompiledRule),
    /// No rule matched.
    NoRuleMatched,
    /// The caller presented a certificate that the gateway did not validate, so it has no identity,
    /// and no rule allows it to be anonymous here.
    UnvalidatedCertificate,
}

impl Outcome {
    /// What it is called in metrics and logs, where it is carried out or in shadow.
    pub fn effect(self, enforcement: Enforcement) -> DecisionEffect {
        let effect = match self {
            Self::Allowed => Effect::Allow,
            Self::Denied => Effect::Deny,
        };
        DecisionEffect::new(effect, enforcement)
    }
}

impl<'p> Decision<'p> {
    /// What the policies say of the request.
    pub fn outcome(&self) -> Outcome {
        self.reason.outcome()
    }

    /// Why.
    pub fn reason(&self) -> Reason<'p> {
        self.reason
    }

    /// What was decided, as metrics and logs have it.
    pub fn effect(&self) -> DecisionEffect {
        self.outcome().effect(self.enforcement)
    }

    /// Whether the decision is carried out.
    pub fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// Whether the request passes: it is allowed, or the policy is only in shadow.
    pub fn lets_pass(&self) -> bool {
        self.outcome() == Outcome::Allowed || self.enforcement == Enforcement::Shadow
    }
}

impl<'p> Reason<'p> {
    /// The stable name of the reason: metric label, log field and reply.
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

    /// What the reason is for.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::AllowedByRule(_) | Self::NotDenied => Outcome::Allowed,
            Self::DeniedByRule(_)
            | Self::NoIdentity
            | Self::MalformedIdentity
            | Self::ForeignTrustDomain
            | Self::ExpiredRule(_)
            | Self::RuleNotYetValid(_)
            | Self::NoRuleMatched
            | Self::UnvalidatedCertificate => Outcome::Denied,
        }
    }

    /// The rule that the reason speaks of.
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
