//! External authorizers of workloads, and undeclared providers.

use std::collections::{BTreeMap, BTreeSet};

use super::{PolicySet, ServicePolicy};
use crate::plugin_config::PolicyName;

/// The providers that Istio and `install-values` define. Proxies reach them without a service.
pub(crate) const RESERVED_PROVIDERS: [&str; 3] = ["envoy", "peergate", "prometheus"];

/// A provider that a document uses and none declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UndeclaredProvider<'s> {
    /// The name of the provider.
    pub name: &'s str,
    /// The use of the provider.
    pub used_for: ProviderUse<'s>,
}

/// The use of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderUse<'s> {
    /// It decides an enforced `Custom` rule.
    Rule {
        /// The policy of the rule.
        policy: &'s PolicyName,
        /// The ID of the rule.
        rule: &'s str,
    },
    /// It receives access logs.
    AccessLog,
    /// It receives traces.
    Tracing,
}

/// The environment variable of istiod that must be `true` for more than one provider at a workload
/// (Istio 1.30).
pub(crate) const MULTIPLE_PROVIDERS: &str = "PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS";

impl PolicySet {
    /// The providers that no document declares, those of rules first, each with one use.
    pub fn undeclared_providers(&self) -> Vec<UndeclaredProvider<'_>> {
        let mut of_rules: BTreeMap<&str, ProviderUse<'_>> = BTreeMap::new();
        for policy in &self.policies {
            for (name, rule) in policy.providers() {
                of_rules.entry(name).or_insert(ProviderUse::Rule {
                    policy: policy.name(),
                    rule,
                });
            }
        }
        let of_rules = of_rules.into_iter();
        let telemetry = &self.mesh.telemetry;
        let access_log = telemetry.access_log.as_ref();
        let access_log = access_log.and_then(|log| log.provider.as_deref());
        let tracing = telemetry.tracing.as_ref().filter(|it| it.service.is_none());
        let tracing = tracing.map(|tracing| tracing.provider.as_str());
        let of_telemetry = [
            access_log.map(|name| (name, ProviderUse::AccessLog)),
            tracing.map(|name| (name, ProviderUse::Tracing)),
        ];
        let of_telemetry = of_telemetry.into_iter().flatten();
        let of_telemetry = of_telemetry.filter(|(name, _)| !RESERVED_PROVIDERS.contains(name));
        let mut used: Vec<_> = of_rules.chain(of_telemetry).collect();
        used.retain(|(name, _)| !self.mesh.has_extension_provider(name));
        let used = used.into_iter();
        used.map(|(name, used_for)| UndeclaredProvider { name, used_for })
            .collect()
    }

    /// Whether enforced `Custom` rules ask more than one provider about a workload.
    pub(crate) fn has_several_providers(&self) -> bool {
        self.policies.iter().any(|leading| {
            let led = leading.followers();
            let led = led.filter_map(|position| self.policies.get(position));
            let overlapping = std::iter::once(leading).chain(led);
            let providers = overlapping.flat_map(ServicePolicy::providers);
            let providers: BTreeSet<_> = providers.map(|(provider, _)| provider).collect();
            providers.len() > 1
        })
    }
}
