//! Whether a proxy denies or passes requests while the filter cannot run.

use super::{PolicySet, ServicePolicy};
use crate::rule_spec::Enforcement;

/// What a proxy does with requests while the filter cannot be fetched or fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterFailure {
    /// It denies them.
    Deny,
    /// It passes them, since the filter enforces nothing anyway.
    Pass,
}

impl PolicySet {
    /// What a proxy does while the filter of `policy` cannot run: the filter fails open only where each policy that
    /// it decides for is in shadow. Policies that lead it have filters of their own, which fail closed by themselves.
    pub fn filter_failure(&self, policy: &ServicePolicy) -> FilterFailure {
        let along = policy.enforced_along();
        let along = along.filter_map(|position| self.policies.get(position));
        let mut decided = std::iter::once(policy).chain(along);
        if decided.all(|policy| policy.enforcement == Enforcement::Shadow) {
            FilterFailure::Pass
        } else {
            FilterFailure::Deny
        }
    }
}
