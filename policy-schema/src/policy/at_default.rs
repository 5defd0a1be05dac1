//! What a mesh that denies what no policy allows has to be told of the policies in shadow, which let
//! every request pass.

use super::along::is_for_all_of;
use super::{PolicySet, ServicePolicy};
use crate::rule_spec::{Enforcement, Otherwise};

/// What becomes of a policy's workloads in a mesh that denies what no policy allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtDefault {
    /// What the policies for them allow is said.
    Decided,
    /// Everything has to be allowed: no policy decides.
    Open,
    /// The policy at this position decides at some of them, and none at the others.
    Contested(usize),
}

impl PolicySet {
    /// For each policy what becomes of its workloads.
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
