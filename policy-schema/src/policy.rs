//! Validated policies. Only [`validate`](crate::validate) builds them.

mod attachment;
mod edge;
mod filter_failure;
mod gateway_names;
mod gateway_policies;
mod gateways;
mod hosts;
mod istio_version;
mod leaders;
mod lookup;
mod mesh;
mod peer_authentication;
mod plugin_config;
mod pods;
mod policies_by_gateway;
mod policy_set;
mod providers;
mod reachability;
mod selectors;
mod service;
mod service_policy;
mod shadow_under_default_deny;
mod shared_tcp_port;
mod tcp_ports;

pub(crate) use attachment::are_compatible;
pub use attachment::{Attachment, Labels};
pub use edge::Gateway;
pub(crate) use edge::{
    Exposure, GATEWAY_NAME, Server, TLS_DEFAULTS, covers_host, istio_gateway_account,
};
pub use filter_failure::FilterFailure;
pub(crate) use gateway_names::{has_gateway_label, is_gateway};
pub(crate) use gateways::Gateways;
pub(crate) use hosts::Hosts;
pub use istio_version::IstioVersion;
pub(crate) use leaders::{MAX_FOLLOWERS, TooManyFollowers, covers_workloads_of, extra_labels};
pub use lookup::{ServiceAtHost, UnknownHost};
pub use mesh::Mesh;
pub(crate) use mesh::{
    FilterFetching, MANY_PROVIDERS, MtlsException, MtlsPlan, OTLP_PORT, WHOLE_CERTIFICATE,
};
pub use peer_authentication::AcceptedConnections;
pub use plugin_config::Rollout;
pub(crate) use pods::Pods;
pub(crate) use policies_by_gateway::PoliciesByGateway;
pub use policy_set::PolicySet;
pub(crate) use providers::{MULTIPLE_PROVIDERS, RESERVED_PROVIDERS};
pub use providers::{ProviderUse, UndeclaredProvider};
pub(crate) use reachability::{AllowedCallers, MeshCaller, Reachability, istio_account};
pub(crate) use selectors::Selectors;
pub(crate) use service::{ExternalHost, Service, ServicePort, Subset};
pub use service_policy::ServicePolicy;
pub(crate) use shadow_under_default_deny::DefaultDenyException;
pub(crate) use shared_tcp_port::SharedTcpPort;
