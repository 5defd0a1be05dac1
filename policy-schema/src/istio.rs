//! Policies → Istio resources.

mod authorization_policy;
mod wasm_plugin;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::plugin_config::PluginConfig;
use crate::policy::ServicePolicy;

pub use authorization_policy::{AuthorizationPolicy, authorization_policies};
pub use wasm_plugin::{MissingImage, WasmPlugin, wasm_plugin};

/// The metadata of every resource that is rendered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metadata {
    name: String,
    namespace: String,
    labels: BTreeMap<&'static str, String>,
    annotations: BTreeMap<&'static str, String>,
}

impl Metadata {
    /// The metadata of a resource made of `policy`.
    fn of_policy(name: String, policy: &ServicePolicy, config: &PluginConfig) -> Self {
        let annotations = [
            ("peergate.dev/policy", policy.name.name.clone()),
            (
                "peergate.dev/revision",
                config.revision.clone().unwrap_or_default(),
            ),
        ];
        let labels = [("app.kubernetes.io/managed-by", "peergate".to_owned())];
        Self {
            name,
            namespace: policy.name.namespace.clone(),
            labels: labels.into(),
            annotations: annotations.into(),
        }
    }

    /// The resource's name, unique in its namespace among resources of its kind.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The resource's namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }
}

/// The pods that a resource applies to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadSelector {
    match_labels: BTreeMap<String, String>,
}

impl From<&ServicePolicy> for WorkloadSelector {
    fn from(policy: &ServicePolicy) -> Self {
        Self {
            match_labels: policy.match_labels.clone(),
        }
    }
}
