//! How a workload is reached, and what it reaches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Selector;
use super::forms::{HostName, Limit, TimeSpan};
use crate::forms::{Distinct, Label, Port};

/// The Kubernetes `Service` of a policy's workload.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceSpec {
    /// Its name. The policy's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Label>")]
    pub name: Option<String>,
    /// Its ports.
    #[schemars(with = "Distinct<ServicePortSpec>")]
    pub ports: Vec<ServicePortSpec>,
    /// Whether callers insist on mutual TLS. `Auto` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = ServiceMtls::default()))]
    pub mtls: Option<ServiceMtls>,
    /// Versions of the workload that requests can be led to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Distinct<SubsetSpec>>")]
    pub subsets: Option<Vec<SubsetSpec>>,
    /// What callers' proxies keep to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<TrafficSpec>,
}

/// A port of a service.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicePortSpec {
    /// The port that callers name.
    #[schemars(with = "Port")]
    pub port: u16,
    /// The workload's own port. The same when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Port>")]
    pub target_port: Option<u16>,
}

/// Whether the callers of a service insist on mutual TLS.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum ServiceMtls {
    /// Istio finds out who speaks it.
    #[default]
    Auto,
    /// Callers speak nothing else, also to endpoints that Istio takes for ones without sidecar.
    Always,
}

/// A version of a workload.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubsetSpec {
    /// Its name.
    #[schemars(with = "Label")]
    pub name: String,
    /// Its pods, among those of the service.
    pub selector: Selector,
}

/// What callers' proxies keep to when they call a host. What is left out is as Istio has it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[schemars(extend("minProperties" = 1))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrafficSpec {
    /// How long connecting may take, such as `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeSpan>")]
    pub connect_timeout: Option<String>,
    /// The most connections of a proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Limit>")]
    pub max_connections: Option<u32>,
    /// The most requests of a proxy that wait for a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Limit>")]
    pub max_pending_requests: Option<u32>,
    /// The most requests of a proxy at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Limit>")]
    pub max_requests: Option<u32>,
    /// The most requests over one connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Limit>")]
    pub max_requests_per_connection: Option<u32>,
    /// The most retries of a proxy at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Limit>")]
    pub max_retries: Option<u32>,
    /// When an endpoint is left out for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlier_detection: Option<OutlierDetectionSpec>,
}

/// When an endpoint is left out for a while.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OutlierDetectionSpec {
    /// After this many responses of the class 5xx in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Limit>")]
    pub consecutive5xx_errors: Option<u32>,
    /// How often is looked, such as `10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeSpan>")]
    pub interval: Option<String>,
    /// How long it is left out the first time, such as `30s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeSpan>")]
    pub base_ejection_time: Option<String>,
    /// The most endpoints that are left out at a time, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 100))]
    pub max_ejection_percent: Option<u8>,
}

/// A host outside the mesh that a workload calls.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalHostSpec {
    /// The host: a DNS name, or `*.` and a DNS name.
    #[schemars(with = "HostName")]
    pub host: String,
    /// The ports.
    #[schemars(with = "Distinct<ExternalPortSpec>")]
    pub ports: Vec<ExternalPortSpec>,
    /// What the workload's proxy keeps to.
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
    /// What the workload speaks.
    pub protocol: ExternalProtocol,
}

/// What a workload speaks with a host outside the mesh.
#[derive(
    Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord, Serialize,
)]
pub enum ExternalProtocol {
    /// TLS, which the workload itself begins.
    #[serde(rename = "TLS")]
    Tls,
    /// Plain HTTP/1.1.
    #[serde(rename = "HTTP")]
    Http,
    /// Anything else over TCP.
    #[serde(rename = "TCP")]
    Tcp,
}

/// What workloads reach.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum Outbound {
    /// Everything, as Istio has it.
    #[default]
    Any,
    /// What policies let them call, and the external hosts that their own policies name.
    Declared,
}
