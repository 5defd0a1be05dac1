//! Validated policies. Only [`validate`](crate::validate) builds them.

mod along;
mod at_default;
mod at_gateway;
mod at_gateways;
mod attachment;
mod calls;
mod edge;
mod filter_failure;
mod gateway_names;
mod gateways;
mod hosts;
mod istio_version;
mod lookup;
mod mesh;
mod peer_authentication;
mod plugin_config;
mod pods;
mod policy_set;
mod providers;
mod selectors;
mod service;
mod service_policy;
mod shared_tcp_port;
mod tcp_ports;

pub(crate) use along::{MAX_FOLLOWERS, TooManyFollowers, is_for_all_of, labels_beyond};
pub(crate) use at_default::AtDefault;
pub(crate) use at_gateways::AtGateways;
pub(crate) use attachment::are_compatible;
pub use attachment::{Attachment, Labels};
pub(crate) use calls::{Caller, Callers, Calls, account_of};
pub use edge::Gateway;
pub(crate) use edge::{
    Exposure, GATEWAY_NAME, Server, TLS_DEFAULTS, account_of_istio, covers_host,
};
pub use filter_failure::FilterFailure;
pub(crate) use gateway_names::{has_gateway_label, is_gateway};
pub(crate) use gateways::Gateways;
pub(crate) use hosts::Hosts;
pub use istio_version::IstioVersion;
pub use lookup::{ServiceAtHost, UnknownHost};
pub use mesh::Mesh;
pub(crate) use mesh::{
    FilterFetching, MANY_PROVIDERS, MtlsException, MtlsPlan, OTLP_PORT, WHOLE_CERTIFICATE,
};
pub use peer_authentication::AcceptedConnections;
pub use plugin_config::Rollout;
pub(crate) use pods::Pods;
pub use policy_set::PolicySet;
pub(crate) use providers::{MULTIPLE_PROVIDERS, RESERVED_PROVIDERS};
pub use providers::{ProviderUse, UndeclaredProvider};
pub(crate) use selectors::Selectors;
pub(crate) use service::{ExternalHost, Service, ServicePort, Subset};
pub use service_policy::ServicePolicy;
pub(crate) use shared_tcp_port::SharedTcpPort;
