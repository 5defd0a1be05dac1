//! Renders policies to Istio resources.

mod access_log;
mod api_version;
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
mod object_metadata;
mod operation;
pub mod peer_authentication;
mod pods;
mod policy_metadata;
mod resource;
mod service_entry;
mod sidecar;
mod source;
pub(crate) mod tcp;
mod telemetry;
pub(crate) mod trust_domain_aliases;
mod virtual_service;
mod without_http;

use crate::policy::PolicySet;

pub use access_log::{ACCESS_LOG_PROVIDER, access_log_labels};
pub use applied::{Affected, Applied, Denials, Extent, Plaintext, applied};
pub use authorization_policy::AuthorizationPolicy;
pub use compile::authorization_policies;
pub(crate) use compile::has_authorization_policies;
pub use extension::{ExtensionApi, FAIL_STRATEGY, NoExtension, extension};
pub(crate) use extension::{can_extend, extension_name};
pub(crate) use gateway::protocol_version;
pub use gateway_infrastructure::{GATEWAY_INFRASTRUCTURE, single_pod_gateways};
pub use install::{InstallContent, InstallFile, install_files, mesh_config_name};
pub(crate) use install::{normalization_name, outbound_name};
pub use object_metadata::ObjectMetadata;
use policy_metadata::{policy_metadata, policy_selector, policy_targets};
pub use resource::{Resource, ResourceKind};

/// The objects for the mesh, and those for settings of policies other than their rules. For the
/// policies themselves, see [`authorization_policies`] and [`extension`].
///
/// Objects that route and allow come before objects that limit and deny.
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
