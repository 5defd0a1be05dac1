//! Policies → Istio resources.

pub mod authorization_policy;
mod compile;
mod source;
mod tcp;
mod wasm_plugin;

use crate::plugin_config::PluginConfig;
use crate::policy::{Attachment, ServicePolicy};

pub use authorization_policy::AuthorizationPolicy;
use authorization_policy::{LabelSelector, ObjectMetadata, TargetReference};
pub use compile::authorization_policies;
pub use wasm_plugin::{MissingImage, WasmPlugin, wasm_plugin};

/// The metadata of a resource made of `policy`.
fn metadata_of_policy(
    name: String,
    policy: &ServicePolicy,
    config: &PluginConfig,
) -> ObjectMetadata {
    let text = str::to_owned;
    let annotations = [
        (text("peergate.dev/policy"), policy.name.name.clone()),
        (
            text("peergate.dev/revision"),
            config.revision.clone().unwrap_or_default(),
        ),
    ];
    let labels = [(text("app.kubernetes.io/managed-by"), text("peergate"))];
    ObjectMetadata {
        name,
        namespace: policy.name.namespace.clone(),
        labels: labels.into(),
        annotations: annotations.into(),
    }
}

/// The selector of an object for `policy`: none where it is for everything in its namespace.
fn selector_of_policy(policy: &ServicePolicy) -> Option<LabelSelector> {
    match &policy.attachment {
        Attachment::Workload(labels) => Some(labels),
        Attachment::Mesh(labels) => Some(labels).filter(|labels| !labels.is_empty()),
        Attachment::Namespace | Attachment::Targets(_) => None,
    }
    .map(|labels| LabelSelector {
        match_labels: labels.clone(),
    })
}

/// The targets of an object for `policy`.
fn targets_of_policy(policy: &ServicePolicy) -> Vec<TargetReference> {
    match &policy.attachment {
        Attachment::Targets(targets) => targets
            .iter()
            .map(|target| TargetReference {
                group: target.group.clone().unwrap_or_default(),
                kind: target.kind.clone(),
                name: target.name.clone(),
            })
            .collect(),
        Attachment::Workload(_) | Attachment::Namespace | Attachment::Mesh(_) => Vec::new(),
    }
}
