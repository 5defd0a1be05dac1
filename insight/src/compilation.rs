//! Policies → compiled policies, as in the filter.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::engine::CompiledPolicy;
use policy_schema::plugin_config::{ConfigError, PluginConfig, PolicyName};
use policy_schema::policy::{Labels, PolicySet, ServicePolicy};
use thiserror::Error;

/// Why a policy cannot be compiled.
#[derive(Debug, Error)]
pub enum CompilationError {
    /// The plugin config cannot be serialized.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The engine rejects the rendered plugin config.
    #[error("policy `{name}`: {reason}")]
    RejectedConfig {
        /// The policy.
        name: PolicyName,
        /// The reason.
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
            Self::RejectedConfig { .. } => Some("this is a bug in Peergate; please report it"),
        }
    }
}

/// Compiles a policy for a workload with the labels that the policy selects and these.
pub fn compile(
    set: &PolicySet,
    policy: &ServicePolicy,
    labels: &[(String, String)],
) -> Result<CompiledPolicy, CompilationError> {
    let labels = labels.iter().cloned().collect();
    compiled(policy, &config_at(set, policy, &labels))
}

/// The plugin config of the policy at such a workload.
pub fn config_at(set: &PolicySet, policy: &ServicePolicy, labels: &Labels) -> PluginConfig {
    for_workload(set.plugin_config(policy), policy, labels)
}

/// Removes the followers that do not select the workload from a plugin config.
pub fn for_workload(
    mut config: PluginConfig,
    policy: &ServicePolicy,
    labels: &Labels,
) -> PluginConfig {
    let selected = policy.selected_labels();
    config.co_enforced.retain(|follower| {
        follower.match_labels.iter().all(|(key, value)| {
            let known = labels.get(key).or_else(|| selected?.get(key));
            known == Some(value)
        })
    });
    for follower in &mut config.co_enforced {
        follower.match_labels.clear();
    }
    config
}

/// Compiles a plugin config as the filter does.
pub fn compiled(
    policy: &ServicePolicy,
    config: &PluginConfig,
) -> Result<CompiledPolicy, CompilationError> {
    let json = serde_json::to_vec(config)?;
    let compiled = CompiledPolicy::for_workload(&json, |_| None);
    compiled.map_err(|reason| CompilationError::RejectedConfig {
        name: policy.name().clone(),
        reason,
    })
}
