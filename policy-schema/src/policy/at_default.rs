//! Exceptions to a default-deny mesh for policies in shadow, which must let every request pass.

use super::along::is_for_all_of;
use super::{PolicySet, ServicePolicy};
use crate::rule_spec::{Enforcement, Otherwise};

/// What a policy needs in a mesh that denies requests to workloads without a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtDefault {
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
    pub(crate) fn at_default(&self) -> Vec<AtDefault> {
        let all_together = self.policies_together();
        let policies = self.policies.iter().zip(all_together);
        policies
            .map(|(policy, together)| {
                if policy.enforcement == Enforcement::Enforce {
                    return AtDefault::Decided;
                }
                let mut contested = AtDefault::Open;
                for position in together {
                    match self.policies.get(*position) {
                        Some(other) if decides(other) && is_for_all_of(other, policy) => {
                            return AtDefault::Decided;
                        }
                        Some(other) if decides(other) => {
                            contested = AtDefault::Contested(*position);
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
