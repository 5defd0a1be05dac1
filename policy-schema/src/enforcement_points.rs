//! Which enforcement point enforces which rule.

mod difference;
mod gap;
mod port;
mod tcp;

use crate::policy::ServicePolicy;
use crate::rule::Rule;
use crate::rule_spec::{Effect, Enforcement};
use crate::timestamp::{Phase, Timestamp};

pub use gap::RbacGap;
pub use port::PortLeftToFilter;

/// How RBAC enforces a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RbacEnforcement {
    /// Exactly as written.
    Exact,
    /// Without its times: the filter starts and ends the rule.
    Untimed,
    /// For every client certificate from outside the mesh: the filter checks the names.
    AnyClientCertificate,
    /// For every client certificate from outside the mesh, and without its times.
    AnyClientCertificateUntimed,
    /// Not at all: only the filter enforces the rule.
    Absent(FilterOnly),
    /// Not at all, like the filter: the rule has expired.
    Expired,
}

/// Why only the filter enforces a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterOnly {
    /// The whole policy is in shadow.
    ShadowPolicy,
    /// The rule is in shadow.
    ShadowRule,
    /// A `Deny` or `Audit` rule with a start or an end: RBAC would enforce it at all times.
    Timed,
    /// A `Deny` or `Audit` rule that names client certificates: RBAC would match all of them.
    ClientCertificate,
}

/// The part of a rule that RBAC cannot enforce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NeedsFilter {
    Times,
    CertificateNames,
}

/// How the filter enforces a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterEnforcement {
    /// Exactly as written.
    Exact,
    /// For any peer address: RBAC checks the address.
    AnyPeerIp,
    /// Not at all: only RBAC enforces the rule.
    Absent(RbacOnly),
}

/// Why only RBAC enforces a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RbacOnly {
    /// The rule depends on the peer's address, which the filter does not see.
    PeerIp,
    /// An external authorizer decides.
    Custom,
}

impl RbacEnforcement {
    /// How RBAC enforces `rule`.
    pub(crate) fn for_rule(policy: &ServicePolicy, rule: &Rule) -> Self {
        if policy.has_expired(rule) && policy.enforcement == Enforcement::Enforce {
            Self::Expired
        } else {
            Self::for_rule_in(policy.enforcement, rule, policy.at)
        }
    }

    /// How RBAC enforces `rule` of a policy with this enforcement, from `at` until the rule
    /// expires.
    pub(crate) fn for_rule_in(enforcement: Enforcement, rule: &Rule, at: Timestamp) -> Self {
        let has_begun_for_good = rule.effect == Effect::Allow
            && rule.validity.not_after.is_none()
            && rule.validity.phase(at) == Phase::Within;
        let is_timed = !rule.validity.is_unlimited() && !has_begun_for_good;
        if enforcement == Enforcement::Shadow {
            Self::Absent(FilterOnly::ShadowPolicy)
        } else if rule.enforcement == Some(Enforcement::Shadow) {
            Self::Absent(FilterOnly::ShadowRule)
        } else {
            let names_certificates = distinguishes_certificates_beyond_rbac(rule);
            match (rule.effect, is_timed, names_certificates) {
                (_, false, false) => Self::Exact,
                (Effect::Allow, true, false) => Self::Untimed,
                (Effect::Allow, false, true) => Self::AnyClientCertificate,
                (Effect::Allow, true, true) => Self::AnyClientCertificateUntimed,
                (Effect::Deny | Effect::Audit | Effect::Custom, true, _) => {
                    Self::Absent(FilterOnly::Timed)
                }
                (Effect::Deny | Effect::Audit | Effect::Custom, false, true) => {
                    Self::Absent(FilterOnly::ClientCertificate)
                }
            }
        }
    }

    /// Whether the rule is part of the rendered `AuthorizationPolicy`.
    pub fn is_rendered(self) -> bool {
        match self {
            Self::Exact
            | Self::Untimed
            | Self::AnyClientCertificate
            | Self::AnyClientCertificateUntimed => true,
            Self::Absent(_) | Self::Expired => false,
        }
    }

    /// Whether RBAC matches more requests than the rule.
    pub(crate) fn is_wider(self) -> bool {
        match self {
            Self::Untimed | Self::AnyClientCertificate | Self::AnyClientCertificateUntimed => true,
            Self::Exact | Self::Absent(_) | Self::Expired => false,
        }
    }

    /// What the rule needs the filter for, if RBAC alone does not enforce it as written. Rules in
    /// shadow need nothing.
    pub(crate) fn needs_filter(self) -> Option<NeedsFilter> {
        match self {
            Self::Untimed | Self::Absent(FilterOnly::Timed) => Some(NeedsFilter::Times),
            Self::AnyClientCertificate
            | Self::AnyClientCertificateUntimed
            | Self::Absent(FilterOnly::ClientCertificate) => Some(NeedsFilter::CertificateNames),
            Self::Exact
            | Self::Absent(FilterOnly::ShadowPolicy | FilterOnly::ShadowRule)
            | Self::Expired => None,
        }
    }

    /// One sentence for users who render, if RBAC differs.
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::Exact => None,
            Self::Untimed => Some("RBAC has no clock: only the filter starts and ends the rule"),
            Self::AnyClientCertificate => Some(
                "RBAC cannot distinguish client certificates and accepts all from outside the mesh: only the filter checks their names",
            ),
            Self::AnyClientCertificateUntimed => Some(
                "RBAC has no clock and cannot distinguish client certificates: only the filter starts and ends the rule and checks their names",
            ),
            Self::Expired => Some("has expired and never matches"),
            Self::Absent(FilterOnly::ClientCertificate) => {
                Some("runs in the filter only: RBAC cannot distinguish client certificates")
            }
            Self::Absent(FilterOnly::ShadowPolicy) => {
                Some("runs in the filter only: the policy is in shadow")
            }
            Self::Absent(FilterOnly::ShadowRule) => {
                Some("runs in the filter only: RBAC cannot shadow a single rule")
            }
            Self::Absent(FilterOnly::Timed) => {
                Some("runs in the filter only: RBAC has no clock and would always enforce it")
            }
        }
    }
}

impl FilterEnforcement {
    /// How the filter enforces `rule`.
    pub(crate) fn for_rule(rule: &Rule) -> Self {
        match (rule.effect, rule.uses_peer_ip()) {
            (Effect::Custom, _) => Self::Absent(RbacOnly::Custom),
            (_, false) => Self::Exact,
            (Effect::Allow, true) => Self::AnyPeerIp,
            (Effect::Deny | Effect::Audit, true) => Self::Absent(RbacOnly::PeerIp),
        }
    }

    /// Whether the filter enforces the rule, at least in part.
    pub(crate) fn is_enforced(self) -> bool {
        match self {
            Self::Exact | Self::AnyPeerIp => true,
            Self::Absent(_) => false,
        }
    }

    /// One sentence for users who render, if the filter differs.
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::Exact => None,
            Self::AnyPeerIp => {
                Some("the filter does not see the peer address: only RBAC checks it")
            }
            Self::Absent(RbacOnly::PeerIp) => {
                Some("runs in RBAC only: the filter does not see the peer address")
            }
            Self::Absent(RbacOnly::Custom) => {
                Some("runs in RBAC only, which asks the provider; the filter counts its matches")
            }
        }
    }
}

/// Whether a rule distinguishes client certificates in a way that RBAC cannot.
pub(crate) fn distinguishes_certificates_beyond_rbac(rule: &Rule) -> bool {
    rule.sources.iter().any(|source| {
        let is_told = rule.effect != Effect::Allow && source.excludes_certificates_as_principals();
        source.distinguishes_client_certificates() && !is_told
    })
}
