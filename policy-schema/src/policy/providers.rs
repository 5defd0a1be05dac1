//! Workloads about which several external authorizers decide.

use std::collections::BTreeSet;

use super::{PolicySet, ServicePolicy};

/// What istiod's environment must have set to `true` for more than one provider at a workload (Istio 1.30).
pub(crate) const MULTIPLE_PROVIDERS: &str = "PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS";

impl PolicySet {
    /// Whether enforced `Custom` rules ask more than one provider about a workload.
    pub(crate) fn has_several_providers(&self) -> bool {
        self.policies.iter().any(|leading| {
            let led = leading.enforced_along();
            let led = led.filter_map(|position| self.policies.get(position));
            let together = std::iter::once(leading).chain(led);
            let providers = together.flat_map(ServicePolicy::providers);
            let providers: BTreeSet<_> = providers.map(|(provider, _)| provider).collect();
            providers.len() > 1
        })
    }
}
