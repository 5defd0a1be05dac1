//! Policies → what the engine decides by, as on a proxy.

use peergate_fault::{ExitStatus, Failure, Fault};
use policy_schema::engine::CompiledPolicy;
use policy_schema::plugin_config::{ConfigError, PluginConfig, PolicyName};
use policy_schema::policy::{Labels, PolicySet, ServicePolicy};
use thiserror::Error;

use crate::output::OutputError;

/// What was rendered is refused by its own reader.
#[derive(Debug, Error)]
#[error("policy `{name}`: {reason}")]
struct RefusedConfig {
    name: PolicyName,
    reason: ConfigError,
}

impl Fault for RefusedConfig {
    fn status(&self) -> ExitStatus {
        ExitStatus::Failure
    }

    fn help(&self) -> Option<&str> {
        Some("this is a defect of Peergate; please report it")
    }
}

/// The policy as the filter gets it, on a workload with the labels that the policy selects and
/// these.
pub(crate) fn compile(
    set: &PolicySet,
    policy: &ServicePolicy,
    labels: &[(String, String)],
) -> Result<CompiledPolicy, Failure> {
    let labels = labels.iter().cloned().collect();
    compiled(policy, &config_at(set, policy, &labels))
}

/// The configuration of the policy's filter on such a workload.
pub(crate) fn config_at(set: &PolicySet, policy: &ServicePolicy, labels: &Labels) -> PluginConfig {
    of_workload(set.plugin_config(policy), policy, labels)
}

/// The configuration with those of the other policies alone that are for the workload.
pub(crate) fn of_workload(
    mut config: PluginConfig,
    policy: &ServicePolicy,
    labels: &Labels,
) -> PluginConfig {
    let selected = policy.selected_labels();
    config.along.retain(|along| {
        along.match_labels.iter().all(|(key, value)| {
            let known = labels.get(key).or_else(|| selected?.get(key));
            known == Some(value)
        })
    });
    for along in &mut config.along {
        along.match_labels.clear();
    }
    config
}

/// The configuration as the filter reads it.
pub(crate) fn compiled(
    policy: &ServicePolicy,
    config: &PluginConfig,
) -> Result<CompiledPolicy, Failure> {
    let json = serde_json::to_vec(config).map_err(OutputError::Json)?;
    let compiled = CompiledPolicy::for_workload(&json, |_| None);
    Ok(compiled.map_err(|reason| RefusedConfig {
        name: policy.name().clone(),
        reason,
    })?)
}
