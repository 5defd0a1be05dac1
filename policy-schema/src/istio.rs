//! Policies → Istio resources.

mod access_log;
mod applied;
pub mod authorization_policy;
mod compile;
mod default_deny;
mod destination_rule;
mod extension;
mod gateway;
mod gateway_api;
mod gateway_infrastructure;
mod install;
pub(crate) mod ip_blocks;
mod network_policy;
mod operation;
pub mod peer_authentication;
mod pods;
mod resource;
mod service_entry;
mod sidecar;
mod source;
pub(crate) mod tcp;
mod telemetry;
pub(crate) mod trust_domain_aliases;
mod virtual_service;
mod without_http;

use crate::policy::{Attachment, PolicySet, ServicePolicy};

pub use access_log::{ACCESS_LOG_PROVIDER, access_log_labels};
pub use applied::{Affected, Applied, Denials, Extent, Plaintext, applied};
pub use authorization_policy::AuthorizationPolicy;
use authorization_policy::{LabelSelector, ObjectMetadata, TargetReference};
pub use compile::authorization_policies;
pub use extension::{ExtensionApi, FAIL_STRATEGY, NoExtension, extension};
pub(crate) use gateway::protocol_version;
pub use gateway_infrastructure::{GATEWAY_INFRASTRUCTURE, gateways_of_one_pod};
pub use install::{InstallContent, InstallFile, install_files, mesh_config_name};
pub(crate) use install::{normalization_name, outbound_name};
pub use resource::{Resource, ResourceKind};

/// The objects for the mesh as a whole, and for what policies say beside their rules. The objects of
/// the policies themselves are [`authorization_policies`] and [`extension`].
///
/// What leads and allows comes before what limits and denies.
pub fn mesh_resources(set: &PolicySet) -> Vec<Resource> {
    let mesh = &set.mesh;
    let mut resources = service_entry::service_entries(set);
    resources.extend(destination_rule::destination_rules(set));
    resources.extend(telemetry::telemetry(mesh));
    resources.extend(default_deny::gateway_allowances(set));
    resources.extend(gateway::gateways(mesh));
    resources.extend(virtual_service::virtual_services(set));
    resources.extend(gateway_api::gateways_and_routes(set));
    resources.extend(sidecar::sidecars(set));
    resources.extend(network_policy::network_policies(set));
    resources.extend(peer_authentication::peer_authentications(mesh));
    resources.extend(default_deny::default_denials(set));
    resources
}

/// The metadata of a resource made of `policy`.
fn metadata_of_policy(name: String, policy: &ServicePolicy, set: &PolicySet) -> ObjectMetadata {
    let text = str::to_owned;
    let annotations = [
        (text(resource::POLICY_ANNOTATION), policy.name.name.clone()),
        (text("peergate.dev/revision"), policy.revision(set)),
    ];
    ObjectMetadata {
        name,
        namespace: policy.name.namespace.clone(),
        labels: resource::managed(),
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
