//! Renders a policy to HTTP filters of a plain Envoy, without Istio.

pub mod rbac;
mod wasm;

use serde::Serialize;
use thiserror::Error;

pub use rbac::RbacFilter;
pub use wasm::{WasmFilter, wasm_filter};

use crate::istio::authorization_policies;
use crate::policy::{Rollout, extra_labels};
use crate::rule_spec::Effect;

/// An entry for `http_filters` of Envoy's HTTP connection manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum HttpFilter {
    /// The filter (`envoy.extensions.filters.http.wasm.v3.Wasm`).
    Wasm(WasmFilter),
    /// Envoy's own RBAC (`envoy.extensions.filters.http.rbac.v3.RBAC`).
    Rbac(RbacFilter),
}

/// Why a policy has no filters for a plain Envoy.
#[derive(Debug, Error)]
pub enum NotForPlainEnvoy {
    /// Only Istio's mesh config defines the provider.
    #[error(
        "rule `{0}` asks an external authorizer, which only Istio's mesh config defines: without Istio, configure `ext_authz` in Envoy and remove the rule"
    )]
    Provider(String),
    /// The plugin config does not serialize.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// The filters that enforce `policy`, in order: the module at `module_path`, which Envoy must be
/// able to read, then RBAC as Istio would configure it. Followers are included only if they apply
/// to all workloads of `policy`: a plain Envoy has no labels.
pub fn http_filters(
    rollout: &Rollout<'_>,
    module_path: &str,
) -> Result<Vec<HttpFilter>, NotForPlainEnvoy> {
    let Rollout { set, policy, .. } = rollout;
    let followers = policy
        .followers
        .iter()
        .filter_map(|follower| set.policies.get(*follower))
        .filter(|follower| extra_labels(policy, follower).is_empty());
    let policies: Vec<_> = std::iter::once(*policy).chain(followers).collect();
    let mut rules = policies.iter().flat_map(|policy| &policy.rules);
    if let Some(rule) = rules.find(|rule| rule.effect == Effect::Custom) {
        return Err(NotForPlainEnvoy::Provider(rule.id.to_string()));
    }
    let config = rollout.config();
    let plugin_config = serde_json::to_string_pretty(config)?;
    let failure = set.filter_failure(policy);
    let wasm = wasm_filter(
        &config.policy.to_string(),
        plugin_config,
        module_path,
        failure,
    );
    let objects: Vec<_> = policies
        .into_iter()
        .flat_map(|policy| authorization_policies(&set.rollout(policy)))
        .collect();
    let rbac = rbac::http_filters(&objects, set.mesh.trust_domains());
    Ok(std::iter::once(HttpFilter::Wasm(wasm))
        .chain(rbac.into_iter().map(HttpFilter::Rbac))
        .collect())
}
