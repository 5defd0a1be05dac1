//! Renders a policy to `WasmPlugin` or `TrafficExtension` (Istio, extensions.istio.io/v1alpha1),
//! which install the filter and its plugin config in the workload's sidecars.

use serde::Serialize;
use thiserror::Error;

use super::authorization_policy::{LabelSelector, TargetReference};
use super::policy_metadata::{policy_metadata, policy_selector, policy_targets};
use super::resource::{Resource, ResourceKind, Spec};
use crate::document::ImagePullPolicy;
use crate::plugin_config::PluginConfig;
use crate::policy::{FilterFailure, IstioVersion, PolicySet, Rollout, ServicePolicy};

/// The first version with a configurable fail strategy. Before, a failing filter denied requests.
pub const FAIL_STRATEGY: IstioVersion = IstioVersion::minor(19);

/// The first version that restarts a failed filter.
const FAIL_RELOAD: IstioVersion = IstioVersion::minor(27);

/// The first version with `TrafficExtension`.
const TRAFFIC_EXTENSION: IstioVersion = IstioVersion::minor(30);

/// Among plugins of the same phase, a higher priority runs first; without one, the plugin would run
/// last. Of several policies for a workload, the leader runs first.
const PRIORITY: i32 = 1000;

/// The kind of the object that installs the filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExtensionApi {
    /// `WasmPlugin`, in every version.
    #[default]
    WasmPlugin,
    /// `TrafficExtension`, its successor since 1.30.
    TrafficExtension,
}

/// Why there is no object for the filter.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NoExtension {
    /// The mesh does not set the image of the filter.
    #[error("the mesh does not set `filter.image`")]
    MissingImage,
    /// The version of Istio has no `TrafficExtension`.
    #[error("Istio {0} has no `TrafficExtension`, which requires {TRAFFIC_EXTENSION}")]
    NoTrafficExtension(IstioVersion),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WasmPluginSpec {
    #[serde(flatten)]
    place: Place,
    #[serde(flatten)]
    module: Module,
}

/// The API version of the kinds of `extensions.istio.io`.
const EXTENSIONS: &str = "extensions.istio.io/v1alpha1";

impl Spec for WasmPluginSpec {
    fn kind(&self) -> ResourceKind {
        ResourceKind::WasmPlugin
    }

    fn api_version(&self, _: IstioVersion) -> &'static str {
        EXTENSIONS
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrafficExtensionSpec {
    #[serde(flatten)]
    place: Place,
    wasm: Module,
}

impl Spec for TrafficExtensionSpec {
    fn kind(&self) -> ResourceKind {
        ResourceKind::TrafficExtension
    }

    fn api_version(&self, _: IstioVersion) -> &'static str {
        EXTENSIONS
    }
}

/// How and where the filter runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    selector: Option<LabelSelector>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    target_refs: Vec<TargetReference>,
    phase: &'static str,
    priority: i32,
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    traffic: Option<[TrafficSelector; 1]>,
}

/// The module.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Module {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_pull_policy: Option<ImagePullPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_pull_secret: Option<String>,
    plugin_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fail_strategy: Option<&'static str>,
    plugin_config: PluginConfig,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct TrafficSelector {
    mode: &'static str,
}

/// The object for a policy.
pub fn extension(rollout: &Rollout<'_>, api: ExtensionApi) -> Result<Resource, NoExtension> {
    let Rollout { set, policy, .. } = rollout;
    let mesh = &set.mesh;
    let version = mesh.istio_version;
    let target_refs = policy_targets(policy);
    let metadata = policy_metadata(extension_name(policy), rollout);
    let has_one_way =
        !target_refs.is_empty() || mesh.is_at_gateway(&policy.name.namespace, &policy.attachment);
    let place = Place {
        selector: policy_selector(policy),
        phase: "AUTHZ",
        priority: PRIORITY - i32::from(policy.rank),
        // On a sidecar's outbound side there is no caller to check, and the filter would deny
        // everything. Gateways and waypoints count as clients, however they are selected, and have
        // a single direction.
        traffic: (!has_one_way).then_some([TrafficSelector { mode: "SERVER" }]),
        target_refs,
    };
    let fetching = &mesh.filter_fetching;
    let module = Module {
        url: mesh.filter_image.clone().ok_or(NoExtension::MissingImage)?,
        sha256: fetching.sha256.clone(),
        image_pull_policy: fetching.pull_policy,
        image_pull_secret: fetching.pull_secret.clone(),
        plugin_name: "peergate",
        fail_strategy: fail_strategy(version, set.filter_failure(policy)),
        plugin_config: rollout.config().clone(),
    };
    Ok(match api {
        ExtensionApi::WasmPlugin => {
            Resource::new(version, metadata, WasmPluginSpec { place, module })
        }
        ExtensionApi::TrafficExtension if version < TRAFFIC_EXTENSION => {
            return Err(NoExtension::NoTrafficExtension(version));
        }
        ExtensionApi::TrafficExtension => {
            let wasm = module;
            Resource::new(version, metadata, TrafficExtensionSpec { place, wasm })
        }
    })
}

/// Whether policies can have such objects.
pub(crate) fn can_extend(set: &PolicySet, api: ExtensionApi) -> Result<(), NoExtension> {
    let version = set.mesh.istio_version;
    if set.mesh.filter_image.is_none() {
        return Err(NoExtension::MissingImage);
    }
    if api == ExtensionApi::TrafficExtension && version < TRAFFIC_EXTENSION {
        return Err(NoExtension::NoTrafficExtension(version));
    }
    Ok(())
}

/// The name of the object.
pub(crate) fn extension_name(policy: &ServicePolicy) -> String {
    format!("{}-peergate", policy.name.name)
}

/// What a sidecar does while the filter cannot run. None if Istio does not support the setting.
fn fail_strategy(version: IstioVersion, failure: FilterFailure) -> Option<&'static str> {
    if version < FAIL_STRATEGY {
        return None;
    }
    Some(match failure {
        FilterFailure::Pass => "FAIL_OPEN",
        FilterFailure::Deny if version < FAIL_RELOAD => "FAIL_CLOSE",
        FilterFailure::Deny => "FAIL_RELOAD",
    })
}
