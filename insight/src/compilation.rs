//! Policies → what the engine decides by, as on a proxy.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::engine::CompiledPolicy;
use policy_schema::plugin_config::{ConfigError, PluginConfig, PolicyName};
use policy_schema::policy::{Labels, PolicySet, ServicePolicy};
use thiserror::Error;

/// Why a policy is not compiled.
#[derive(Debug, Error)]
pub enum CompilationError {
    /// Its configuration has no form in JSON.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// What was rendered is refused by its own reader.
    #[error("policy `{name}`: {reason}")]
    RefusedConfig {
        /// The policy.
        name: PolicyName,
        /// Why the reader refuses it.
        reason: ConfigError,
    },
}

impl Fault for CompilationError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Failure
    }

    fn help(&self) -> Option<&str> {
        match self {
            Self::Json(_) => None,
            Self::RefusedConfig { .. } => Some("this is a defect of Peergate; please report it"),
        }
    }
}

/// The policy as the filter gets it, on a workload with the labels that the policy selects and
/// these.
pub fn compile(
    set: &PolicySet,
    policy: &ServicePolicy,
    labels: &[(String, String)],
) -> Result<CompiledPolicy, CompilationError> {
    let labels = labels.iter().cloned().collect();
    compiled(policy, &config_at(set, policy, &labels))
}

/// The configuration of the policy's filter on such a workload.
pub fn config_at(set: &PolicySet, policy: &ServicePolicy, labels: &Labels) -> PluginConfig {
    for_workload(set.plugin_config(policy), policy, labels)
}

/// The configuration with those of the other policies alone that are for the workload.
pub fn for_workload(
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
pub fn compiled(
    policy: &ServicePolicy,
    config: &PluginConfig,
) -> Result<CompiledPolicy, CompilationError> {
    let json = serde_json::to_vec(config)?;
    let compiled = CompiledPolicy::for_workload(&json, |_| None);
    compiled.map_err(|reason| CompilationError::RefusedConfig {
        name: policy.name().clone(),
        reason,
    })
}
