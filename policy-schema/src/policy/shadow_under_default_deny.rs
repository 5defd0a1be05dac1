//! Exceptions to a default-deny mesh for policies in shadow, which must let every request pass.

use super::leaders::covers_workloads_of;
use super::{PolicySet, ServicePolicy};
use crate::rule_spec::{Enforcement, Otherwise};

/// What a policy needs in a mesh that denies requests to workloads without a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DefaultDenyException {
    /// No exception: enforced policies decide about all of its workloads.
    Decided,
    /// An exception that allows everything: no enforced policy decides.
    Open,
    /// No exception is possible: the policy at this position decides about some workloads, and none
    /// about the rest.
    Contested(usize),
}

impl PolicySet {
    /// For each policy, the exception that it needs.
    pub(crate) fn default_deny_exceptions(&self) -> Vec<DefaultDenyException> {
        let all_together = self.overlapping_policies();
        let policies = self.policies.iter().zip(all_together);
        policies
            .map(|(policy, overlapping)| {
                if policy.enforcement == Enforcement::Enforce {
                    return DefaultDenyException::Decided;
                }
                let mut contested = DefaultDenyException::Open;
                for position in overlapping {
                    match self.policies.get(*position) {
                        Some(other) if decides(other) && covers_workloads_of(other, policy) => {
                            return DefaultDenyException::Decided;
                        }
                        Some(other) if decides(other) => {
                            contested = DefaultDenyException::Contested(*position);
                        }
                        _ => {}
                    }
                }
                contested
            })
            .collect()
    }
}

fn decides(policy: &ServicePolicy) -> bool {
    policy.enforcement == Enforcement::Enforce && policy.otherwise == Otherwise::Deny
}
