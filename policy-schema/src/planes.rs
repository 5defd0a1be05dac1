//! Which enforcement point can carry out which rule.
//!
//! Every rule runs in the filter. Envoy's RBAC, which Istio configures from an
//! `AuthorizationPolicy`, has no clock and cannot shadow single rules. What it cannot do is left
//! to the filter: a rule is rendered where RBAC then denies at most what the policy denies, and
//! left out where it would deny more. Since a request must pass both, the two together never let
//! through what the policy denies.

use crate::policy::ServicePolicy;
use crate::rule::Rule;
use crate::rule_spec::{Effect, Enforcement};

/// What Envoy's RBAC makes of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RbacPlane {
    /// Exactly what the policy says.
    Exact,
    /// It is rendered, but without its times: the filter begins and ends it.
    Untimed,
    /// Nothing: the rule runs in the filter alone.
    Absent(FilterOnly),
}

/// Why a rule runs in the filter alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterOnly {
    /// The policy as a whole is in shadow.
    ShadowPolicy,
    /// The rule is in shadow.
    ShadowRule,
    /// A denial that begins or ends at a time: RBAC would deny before and after too.
    TimedDenial,
}

impl RbacPlane {
    /// What RBAC makes of `rule`.
    pub(crate) fn of_rule(policy: &ServicePolicy, rule: &Rule) -> Self {
        let is_timed = !rule.validity.is_unlimited();
        if policy.enforcement == Enforcement::Shadow {
            Self::Absent(FilterOnly::ShadowPolicy)
        } else if rule.enforcement == Some(Enforcement::Shadow) {
            Self::Absent(FilterOnly::ShadowRule)
        } else {
            match (rule.effect, is_timed) {
                (_, false) => Self::Exact,
                (Effect::Allow, true) => Self::Untimed,
                (Effect::Deny, true) => Self::Absent(FilterOnly::TimedDenial),
            }
        }
    }

    /// Whether the rule is part of the rendered `AuthorizationPolicy`.
    pub fn is_rendered(self) -> bool {
        match self {
            Self::Exact | Self::Untimed => true,
            Self::Absent(_) => false,
        }
    }

    /// One sentence for whoever renders, when the planes differ.
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::Exact => None,
            Self::Untimed => Some("RBAC has no clock: the filter alone begins and ends the rule"),
            Self::Absent(FilterOnly::ShadowPolicy) => {
                Some("runs in the filter only: the policy is in shadow")
            }
            Self::Absent(FilterOnly::ShadowRule) => {
                Some("runs in the filter only: RBAC cannot shadow a single rule")
            }
            Self::Absent(FilterOnly::TimedDenial) => {
                Some("runs in the filter only: RBAC has no clock and would deny at all times")
            }
        }
    }
}

impl ServicePolicy {
    /// The rules that the two planes do not enforce alike, in order, each with what RBAC makes of
    /// it.
    pub fn plane_differences(&self) -> impl Iterator<Item = (&str, RbacPlane)> {
        self.rules
            .iter()
            .map(|rule| (&*rule.id, RbacPlane::of_rule(self, rule)))
            .filter(|(_, plane)| *plane != RbacPlane::Exact)
    }
}
