//! The service of a workload, and the external hosts that the workload calls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Selector;
use super::forms::{HostName, Limit, TimeSpan};
use crate::forms::{Distinct, Label, Port};

/// The Kubernetes `Service` of a policy's workload.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceSpec {
    /// The name of the service. Default: the policy's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Label>")]
    pub name: Option<String>,
    /// The ports of the service.
    #[schemars(with = "Distinct<ServicePortSpec>")]
    pub ports: Vec<ServicePortSpec>,
    /// Whether callers require mutual TLS. Default: `Auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = ServiceMtls::default()))]
    pub mtls: Option<ServiceMtls>,
    /// Versions of the workload that routes can select.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Distinct<SubsetSpec>>")]
    pub subsets: Option<Vec<SubsetSpec>>,
    /// Limits that callers' proxies apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<TrafficSpec>,
}

/// A port of a service.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicePortSpec {
    /// The port that callers use.
    #[schemars(with = "Port")]
    pub port: u16,
    /// The port of the workload. Default: the same port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Port>")]
    pub target_port: Option<u16>,
}

/// Whether the callers of a service require mutual TLS.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum ServiceMtls {
    /// Istio detects whether the service speaks mutual TLS.
    #[default]
    Auto,
    /// Callers always use mutual TLS, even with endpoints that Istio believes to have no sidecar.
    Always,
}

/// A version of a workload.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubsetSpec {
    /// The name of the subset.
    #[schemars(with = "Label")]
    pub name: String,
    /// The pods of the subset, among those of the service.
    pub selector: Selector,
}

/// Limits that callers' proxies apply when they call a host. Absent fields keep Istio's defaults.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[schemars(extend("minProperties" = 1))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrafficSpec {
    /// The connect timeout, such as `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeSpan>")]
    pub connect_timeout: Option<String>,
    /// The maximum number of connections of one proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Limit>")]
    pub max_connections: Option<u32>,
    /// The maximum number of requests of one proxy that wait for a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Limit>")]
    pub max_pending_requests: Option<u32>,
    /// The maximum number of concurrent requests of one proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Limit>")]
    pub max_requests: Option<u32>,
    /// The maximum number of requests over one connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Limit>")]
    pub max_requests_per_connection: Option<u32>,
    /// The maximum number of concurrent retries of one proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Limit>")]
    pub max_retries: Option<u32>,
    /// When proxies eject an endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlier_detection: Option<OutlierDetectionSpec>,
}

/// When proxies eject an endpoint from load balancing.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutlierDetectionSpec {
    /// The number of consecutive 5xx responses that ejects an endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Limit>")]
    pub consecutive5xx_errors: Option<u32>,
    /// The interval between checks, such as `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeSpan>")]
    pub interval: Option<String>,
    /// The duration of the first ejection, such as `30s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeSpan>")]
    pub base_ejection_time: Option<String>,
    /// The maximum percentage of endpoints that are ejected at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 100))]
    pub max_ejection_percent: Option<u8>,
}

/// A host outside the mesh that a workload calls.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalHostSpec {
    /// The host: a DNS name, optionally with the prefix `*.`.
    #[schemars(with = "HostName")]
    pub host: String,
    /// The ports.
    #[schemars(with = "Distinct<ExternalPortSpec>")]
    pub ports: Vec<ExternalPortSpec>,
    /// Limits that the workload's proxy applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<TrafficSpec>,
}

/// A port of a host outside the mesh.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalPortSpec {
    /// The port.
    #[schemars(with = "Port")]
    pub port: u16,
    /// The protocol that the workload speaks.
    pub protocol: ExternalProtocol,
}

/// The protocol between a workload and a host outside the mesh.
#[derive(
    Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord, Serialize,
)]
pub enum ExternalProtocol {
    /// TLS, initiated by the workload.
    #[serde(rename = "TLS")]
    Tls,
    /// Plain HTTP/1.1.
    #[serde(rename = "HTTP")]
    Http,
    /// Anything else over TCP.
    #[serde(rename = "TCP")]
    Tcp,
}

/// Which hosts workloads can reach.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum Outbound {
    /// All hosts, as in Istio by default.
    #[default]
    Any,
    /// Services that policies let them call, and external hosts in their own policies.
    Declared,
}
