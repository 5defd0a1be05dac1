//! Whether a proxy fails open or closed while the filter cannot run.

use super::{PolicySet, ServicePolicy};
use crate::rule_spec::Enforcement;

/// What a proxy does with requests while the filter cannot be fetched or fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterFailure {
    /// Denies them.
    Deny,
    /// Lets them pass, because the filter enforces nothing.
    Pass,
}

impl PolicySet {
    /// What a proxy does while the filter of `policy` cannot run. It fails open only if all
    /// policies that the filter decides for are in shadow. A leader of `policy` has its own filter,
    /// which fails closed itself.
    pub fn filter_failure(&self, policy: &ServicePolicy) -> FilterFailure {
        let followers = policy.followers();
        let followers = followers.filter_map(|position| self.policies.get(position));
        let mut decided = std::iter::once(policy).chain(followers);
        if decided.all(|policy| policy.enforcement == Enforcement::Shadow) {
            FilterFailure::Pass
        } else {
            FilterFailure::Deny
        }
    }
}
