//! Policy → `WasmPlugin` (Istio, extensions.istio.io/v1alpha1), which puts the filter and its
//! configuration into each of the workload's sidecars.

use serde::Serialize;
use thiserror::Error;

use super::authorization_policy::{LabelSelector, ObjectMetadata, TargetReference};
use super::{metadata_of_policy, selector_of_policy, targets_of_policy};
use crate::plugin_config::PluginConfig;
use crate::policy::{IstioVersion, PolicySet, ServicePolicy};

/// The first version in which a failing filter can be told to deny. Before, it always did.
const FAIL_STRATEGY: IstioVersion = IstioVersion::minor(19);

/// The first version that restarts a filter that failed.
const FAIL_RELOAD: IstioVersion = IstioVersion::minor(27);

/// Among plugins of the same phase, higher runs first; left unset it would run last. Of several
/// policies for a workload the leading one runs first.
const PRIORITY: i32 = 1000;

/// A `WasmPlugin`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WasmPlugin {
    api_version: &'static str,
    kind: &'static str,
    metadata: ObjectMetadata,
    spec: Spec,
}

impl WasmPlugin {
    /// The object's name and namespace.
    pub fn metadata(&self) -> &ObjectMetadata {
        &self.metadata
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(skip_serializing_if = "Option::is_none")]
    selector: Option<LabelSelector>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    target_refs: Vec<TargetReference>,
    url: String,
    plugin_name: &'static str,
    phase: &'static str,
    priority: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    fail_strategy: Option<&'static str>,
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    traffic: Option<[TrafficSelector; 1]>,
    plugin_config: PluginConfig,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct TrafficSelector {
    mode: &'static str,
}

/// The mesh does not say where sidecars fetch the filter.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the mesh does not say where sidecars fetch the filter")]
pub struct MissingImage;

/// The object for a policy.
pub fn wasm_plugin(set: &PolicySet, policy: &ServicePolicy) -> Result<WasmPlugin, MissingImage> {
    let mesh = &set.mesh;
    let plugin_config = PluginConfig::of_policy(set, policy);
    let target_refs = targets_of_policy(policy);
    Ok(WasmPlugin {
        api_version: "extensions.istio.io/v1alpha1",
        kind: "WasmPlugin",
        metadata: metadata_of_policy(
            format!("{}-peergate", policy.name.name),
            policy,
            &plugin_config,
        ),
        spec: Spec {
            selector: selector_of_policy(policy),
            url: mesh.filter_image.clone().ok_or(MissingImage)?,
            plugin_name: "peergate",
            phase: "AUTHZ",
            priority: PRIORITY - i32::from(policy.rank),
            fail_strategy: fail_strategy(mesh.istio_version),
            // On a sidecar's way out there is no caller to judge, and everything would be denied.
            // Gateways and waypoints count as clients, and have the one way only.
            traffic: target_refs
                .is_empty()
                .then_some([TrafficSelector { mode: "SERVER" }]),
            target_refs,
            plugin_config,
        },
    })
}

/// What a sidecar does when the filter cannot run: deny, always.
fn fail_strategy(version: IstioVersion) -> Option<&'static str> {
    if version >= FAIL_RELOAD {
        Some("FAIL_RELOAD")
    } else if version >= FAIL_STRATEGY {
        Some("FAIL_CLOSE")
    } else {
        None
    }
}
