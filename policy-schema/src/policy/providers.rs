//! Workloads about which several external authorizers decide.

use std::collections::BTreeSet;

use super::{PolicySet, ServicePolicy};
use crate::rule_spec::Enforcement;

/// What istiod's environment must have set to `true` for more than one provider at a workload (Istio 1.30).
pub(crate) const MULTIPLE_PROVIDERS: &str = "PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS";

impl PolicySet {
    /// Whether enforced `Custom` rules ask more than one provider about a workload.
    pub(crate) fn has_several_providers(&self) -> bool {
        self.policies.iter().any(|leading| {
            let led = leading.enforced_along();
            let led = led.filter_map(|position| self.policies.get(position));
            let together = std::iter::once(leading).chain(led);
            let providers: BTreeSet<_> = together.flat_map(ServicePolicy::providers).collect();
            providers.len() > 1
        })
    }
}

impl ServicePolicy {
    /// The providers that its enforced `Custom` rules ask.
    fn providers(&self) -> impl Iterator<Item = &str> {
        let is_enforced = |enforcement| enforcement != Some(Enforcement::Shadow);
        let rules = self.rules.iter();
        let rules = rules.filter(move |rule| {
            is_enforced(Some(self.enforcement)) && is_enforced(rule.enforcement)
        });
        rules.filter_map(|rule| rule.provider.as_deref())
    }
}
