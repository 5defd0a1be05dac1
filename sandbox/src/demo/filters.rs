//! Policies → the HTTP filters that enforce them.

use std::path::Path;

use policy_schema::engine::CompiledPolicy;
use policy_schema::envoy::{rbac, wasm_filter};
use policy_schema::istio::authorization_policies;
use policy_schema::policy::PolicySet;
use serde_json::Value;

use super::error::DemoError;

/// The demo's workload.
pub(super) const WORKLOAD: (&str, &str) = ("boutique", "cartservice");

/// The filters that enforce the workload's policy: Peergate's filter from this module, then RBAC.
pub(super) fn http_filters(policies: &PolicySet, module: &Path) -> Result<Vec<Value>, DemoError> {
    let (namespace, name) = WORKLOAD;
    let policy = policies
        .policy(namespace, name)
        .ok_or(DemoError::NoPolicy { namespace, name })?;
    let config = policies.plugin_config(policy);
    // The filter would only log an invalid config.
    CompiledPolicy::try_from(config.clone())?;
    let filter = wasm_filter(
        &config.policy.to_string(),
        serde_json::to_string(&config)?,
        &module.to_string_lossy(),
        policies.filter_failure(policy),
    );
    let rbac = rbac::http_filters(
        &authorization_policies(&policies.rollout(policy)),
        policies.mesh().trust_domains(),
    );
    let rbac = rbac.into_iter().map(serde_json::to_value);
    let filters = std::iter::once(serde_json::to_value(filter)).chain(rbac);
    Ok(filters.collect::<Result<_, _>>()?)
}
