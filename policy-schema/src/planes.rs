//! Which enforcement point carries out which rule.
//!
//! | what a rule asks | Envoy's RBAC | the filter |
//! |---|---|---|
//! | begin or end at a time | `Allow` at all times; `Deny` and `Audit` left out | exact |
//! | nothing more, since an `Allow` has begun and does not end | exact | exact |
//! | shadow, of rule or policy | left out | recorded |
//! | nothing more, since it has ended | left out | never matches |
//! | names of a client certificate | `Allow` for every certificate from outside the mesh; others left out | exact |
//! | that the gateway validated the certificate | not asked | exact |
//! | the address of the connection's peer | exact | `Allow` from any address; others never match |
//! | effect `Custom` | exact: the provider is asked | recorded |
//! | traffic without HTTP | exact | does not see it |
//! | the end of a namespace, as in `*-prod` | sought in every name of the certificate | exact |
//! | what clients can spell in several ways ([`RbacGap`]) | stops the plain spelling | exact |
//! | all else | exact | exact |
//!
//! What a point cannot see is left to the other: a rule is there where the point then denies at
//! most what the policy denies, and left out where it would deny more. Since a request must pass
//! both, the two together never let through what the policy denies. Rules for which that does not
//! hold are refused.

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

/// What Envoy's RBAC makes of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RbacPlane {
    /// Exactly what the policy says.
    Exact,
    /// It is rendered, but without its times: the filter begins and ends it.
    Untimed,
    /// It is rendered for every client certificate from outside the mesh: the filter checks the names.
    AnyClientCertificate,
    /// The same, and without its times.
    AnyClientCertificateUntimed,
    /// Nothing: the rule runs in the filter alone.
    Absent(FilterOnly),
    /// Nothing, as in the filter: the rule has ended.
    Ended,
}

/// Why a rule runs in the filter alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterOnly {
    /// The policy as a whole is in shadow.
    ShadowPolicy,
    /// The rule is in shadow.
    ShadowRule,
    /// A denial or a record that begins or ends at a time: RBAC would go on before and after.
    Timed,
    /// A denial or a record that names client certificates: RBAC would take them all.
    ClientCertificate,
}

/// What RBAC cannot enforce of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NeedsFilter {
    Times,
    CertificateNames,
}

/// What the filter makes of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterPlane {
    /// Exactly what the policy says.
    Exact,
    /// It takes the rule to match whatever the peer's address: RBAC checks that.
    AnyPeerIp,
    /// Nothing: the rule runs in RBAC alone.
    Absent(RbacOnly),
}

/// Why a rule runs in RBAC alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RbacOnly {
    /// It depends on the peer's address, which the filter is not told.
    PeerIp,
    /// An external authorizer decides.
    Custom,
}

impl RbacPlane {
    /// What RBAC makes of `rule`.
    pub(crate) fn of_rule(policy: &ServicePolicy, rule: &Rule) -> Self {
        if policy.has_ended(rule) && policy.enforcement == Enforcement::Enforce {
            Self::Ended
        } else {
            Self::of_rule_in(policy.enforcement, rule, policy.at)
        }
    }

    /// What RBAC makes of `rule` of a policy with this enforcement, from `at` until the rule ends.
    pub(crate) fn of_rule_in(enforcement: Enforcement, rule: &Rule, at: Timestamp) -> Self {
        let has_begun_for_good = rule.effect == Effect::Allow
            && rule.validity.not_after.is_none()
            && rule.validity.phase(at) == Phase::Within;
        let is_timed = !rule.validity.is_unlimited() && !has_begun_for_good;
        if enforcement == Enforcement::Shadow {
            Self::Absent(FilterOnly::ShadowPolicy)
        } else if rule.enforcement == Some(Enforcement::Shadow) {
            Self::Absent(FilterOnly::ShadowRule)
        } else {
            let names_certificates = names_certificates_beyond_rbac(rule);
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
            Self::Absent(_) | Self::Ended => false,
        }
    }

    /// Whether RBAC takes more than the rule does.
    pub(crate) fn is_wider(self) -> bool {
        match self {
            Self::Untimed | Self::AnyClientCertificate | Self::AnyClientCertificateUntimed => true,
            Self::Exact | Self::Absent(_) | Self::Ended => false,
        }
    }

    /// Why the rule is not enforced as written without the filter. Shadow enforces nothing.
    pub(crate) fn needs_filter(self) -> Option<NeedsFilter> {
        match self {
            Self::Untimed | Self::Absent(FilterOnly::Timed) => Some(NeedsFilter::Times),
            Self::AnyClientCertificate
            | Self::AnyClientCertificateUntimed
            | Self::Absent(FilterOnly::ClientCertificate) => Some(NeedsFilter::CertificateNames),
            Self::Exact
            | Self::Absent(FilterOnly::ShadowPolicy | FilterOnly::ShadowRule)
            | Self::Ended => None,
        }
    }

    /// One sentence for whoever renders, where RBAC differs.
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
            Self::Ended => Some("has expired and never matches"),
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

impl FilterPlane {
    /// What the filter makes of `rule`.
    pub(crate) fn of_rule(rule: &Rule) -> Self {
        match (rule.effect, rule.uses_peer_ip()) {
            (Effect::Custom, _) => Self::Absent(RbacOnly::Custom),
            (_, false) => Self::Exact,
            (Effect::Allow, true) => Self::AnyPeerIp,
            (Effect::Deny | Effect::Audit, true) => Self::Absent(RbacOnly::PeerIp),
        }
    }

    /// Whether the filter carries out the rule, if not all of it.
    pub(crate) fn is_enforced(self) -> bool {
        match self {
            Self::Exact | Self::AnyPeerIp => true,
            Self::Absent(_) => false,
        }
    }

    /// One sentence for whoever renders, where the filter differs.
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

/// Whether a rule tells client certificates apart as RBAC cannot.
pub(crate) fn names_certificates_beyond_rbac(rule: &Rule) -> bool {
    rule.sources.iter().any(|source| {
        let is_told = rule.effect != Effect::Allow && source.excludes_certificates_as_principals();
        source.distinguishes_client_certificates() && !is_told
    })
}
