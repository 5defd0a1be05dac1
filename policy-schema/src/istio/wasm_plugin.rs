//! Policy → `WasmPlugin` (Istio, extensions.istio.io/v1alpha1), which puts the filter and its
//! configuration into each of the workload's sidecars.

use serde::Serialize;
use thiserror::Error;

use super::{Metadata, WorkloadSelector};
use crate::plugin_config::PluginConfig;
use crate::policy::{IstioVersion, Mesh, ServicePolicy};

/// The first version in which a failing filter can be told to deny. Before, it always did.
const FAIL_STRATEGY: IstioVersion = IstioVersion::minor(19);

/// The first version that restarts a filter that failed.
const FAIL_RELOAD: IstioVersion = IstioVersion::minor(27);

/// Among plugins of the same phase, higher runs first; left unset it would run last.
const PRIORITY: i32 = 1000;

/// A `WasmPlugin`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WasmPlugin {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: Spec,
}

impl WasmPlugin {
    /// The object's name and namespace.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    selector: WorkloadSelector,
    url: String,
    plugin_name: &'static str,
    phase: &'static str,
    priority: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    fail_strategy: Option<&'static str>,
    #[serde(rename = "match")]
    traffic: [TrafficSelector; 1],
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
pub fn wasm_plugin(mesh: &Mesh, policy: &ServicePolicy) -> Result<WasmPlugin, MissingImage> {
    let plugin_config = PluginConfig::of_policy(mesh, policy);
    Ok(WasmPlugin {
        api_version: "extensions.istio.io/v1alpha1",
        kind: "WasmPlugin",
        metadata: Metadata::of_policy(
            format!("{}-peergate", policy.name.name),
            policy,
            &plugin_config,
        ),
        spec: Spec {
            selector: policy.into(),
            url: mesh.filter_image.clone().ok_or(MissingImage)?,
            plugin_name: "peergate",
            phase: "AUTHZ",
            priority: PRIORITY,
            fail_strategy: fail_strategy(mesh.istio_version),
            // On the way out there is no caller to judge, and everything would be denied.
            traffic: [TrafficSelector { mode: "SERVER" }],
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
