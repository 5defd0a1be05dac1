//! Plugin config → compiled policy.

use std::sync::Arc;

use super::index::IndexBuilder;
use super::residual::{ResidualCondition, ResidualOperation, ResidualSource};
use super::{CompiledPolicy, CompiledRule, EnforcedPolicy};
use crate::plugin_config::{CheckedConfig, CheckedPolicy, ConfigError, PluginConfig};
use crate::rule_spec::{Effect, Enforcement, Otherwise};

impl CompiledPolicy {
    /// Compiles a plugin config for a workload that all its policies select.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        PluginConfig::from_json(json)?.try_into()
    }

    /// Compiles the policies of a plugin config that select a workload; `label` looks up the
    /// workload's labels. An unknown label counts as absent.
    pub fn for_workload(
        json: &[u8],
        label: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let config = PluginConfig::from_json(json)?;
        let config = config.check().map_err(ConfigError::Refused)?;
        Ok(config.for_workload(label).into())
    }
}

impl TryFrom<PluginConfig> for CompiledPolicy {
    type Error = ConfigError;

    fn try_from(config: PluginConfig) -> Result<Self, ConfigError> {
        Ok(config.check().map_err(ConfigError::Refused)?.into())
    }
}

impl From<CheckedConfig> for CompiledPolicy {
    fn from(config: CheckedConfig) -> Self {
        let enforcement = overall_enforcement(&config.policies);
        let otherwise_of_policies = overall_otherwise(&config.policies, enforcement);
        // The mesh default applies through the leader, if at all.
        let mut policies = config.policies.iter();
        let is_left_to_mesh = policies
            .next()
            .is_some_and(|leading| leading.enforcement == enforcement);
        let otherwise = match otherwise_of_policies {
            Otherwise::Pass if is_left_to_mesh => config.mesh_otherwise,
            otherwise => otherwise,
        };
        let accepts_client_certificates = take_client_certificates(&config.policies, enforcement);
        let mut deny = IndexBuilder::default();
        let mut allow = IndexBuilder::default();
        let mut recorded = IndexBuilder::default();
        let mut rules = Vec::new();
        let mut policies = Vec::new();
        for policy in config.policies {
            let name = Arc::new(policy.name);
            policies.push(EnforcedPolicy {
                name: Arc::clone(&name),
                digest: policy.digest,
            });
            let policy_is_recorded = policy.enforcement != enforcement;
            for rule in policy.rules {
                let is_shadow = policy_is_recorded || rule.enforcement == Some(Enforcement::Shadow);
                let index = match (is_shadow, rule.effect) {
                    (false, Effect::Deny) => &mut deny,
                    (false, Effect::Allow) => &mut allow,
                    (true, _) | (false, Effect::Audit | Effect::Custom) => &mut recorded,
                };
                index.add(rules.len(), &rule, &config.trust_domains);
                rules.push(CompiledRule {
                    position: rules.len(),
                    policy: Arc::clone(&name),
                    sources: ResidualSource::all_of(rule.sources, &config.trust_domains),
                    operations: ResidualOperation::all_of(rule.operations),
                    conditions: ResidualCondition::all_of(rule.conditions, &config.trust_domains),
                    id: rule.id,
                    effect: rule.effect,
                    owner: rule.owner,
                    is_shadow,
                    validity: rule.validity,
                });
            }
        }
        Self {
            name: config.name,
            revision: config.revision,
            trust_domains: config.trust_domains,
            gateways: {
                let accounts = config.gateways.iter();
                accounts
                    .map(|account| account.spiffe_path().into())
                    .collect()
            },
            enforcement,
            otherwise,
            otherwise_of_policies,
            reporting: config.reporting,
            decision_key: config.decision_key,
            known_gateways: config.known_gateways,
            at_gateway: config.at_gateway,
            accepts_client_certificates,
            policies,
            may_be_led: config.may_be_led,
            rules,
            deny: deny.build(),
            allow: allow.build(),
            recorded: recorded.build(),
        }
    }
}

/// Next to an enforced policy, policies in shadow do not count.
fn overall_enforcement(policies: &[CheckedPolicy]) -> Enforcement {
    let is_enforced = |policy: &CheckedPolicy| policy.enforcement == Enforcement::Enforce;
    if policies.iter().any(is_enforced) {
        Enforcement::Enforce
    } else {
        Enforcement::Shadow
    }
}

/// Whether client certificates from outside the mesh identify callers. A policy with `otherwise:
/// Pass` that is not only for gateways denies them, because its `AuthorizationPolicy` denies them
/// at every workload.
fn take_client_certificates(policies: &[CheckedPolicy], enforcement: Enforcement) -> bool {
    let mut counting = policies
        .iter()
        .filter(|policy| policy.enforcement == enforcement);
    policies.iter().any(|policy| policy.at_gateway)
        && counting.all(|policy| policy.at_gateway || policy.otherwise == Otherwise::Deny)
}

/// `Deny` if any of the policies denies by default.
fn overall_otherwise(policies: &[CheckedPolicy], enforcement: Enforcement) -> Otherwise {
    let denies = |policy: &CheckedPolicy| {
        policy.enforcement == enforcement && policy.otherwise == Otherwise::Deny
    };
    if policies.iter().any(denies) {
        Otherwise::Deny
    } else {
        Otherwise::Pass
    }
}
