//! Policy → HTTP filters of a plain Envoy, for those who run it without Istio.

pub mod rbac;
mod wasm;

use serde::Serialize;
use thiserror::Error;

pub use rbac::RbacFilter;
pub use wasm::{WasmFilter, wasm_filter};

use crate::istio::authorization_policies;
use crate::policy::{Rollout, labels_beyond};
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

/// Why there are no filters of a plain Envoy for a policy.
#[derive(Debug, Error)]
pub enum NotForPlainEnvoy {
    /// Whom to ask is known to Istio alone.
    #[error(
        "rule `{0}` asks an external authorizer, which only Istio's mesh config defines: without Istio, configure `ext_authz` in Envoy and remove the rule"
    )]
    Provider(String),
    /// The plugin config cannot be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// The filters that enforce `policy`, in their order: the module at `module_path`, a path that
/// Envoy can read, then RBAC as Istio would configure it. Of other policies those have a part that
/// are for every workload of this one: a plain Envoy does not tell labels.
pub fn http_filters(
    rollout: &Rollout<'_>,
    module_path: &str,
) -> Result<Vec<HttpFilter>, NotForPlainEnvoy> {
    let Rollout { set, policy, .. } = rollout;
    let along = policy
        .along
        .iter()
        .filter_map(|along| set.policies.get(*along))
        .filter(|along| labels_beyond(policy, along).is_empty());
    let policies: Vec<_> = std::iter::once(*policy).chain(along).collect();
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
