//! What proxies report about requests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::forms::{ObjectName, Port};

/// What proxies report about requests. Absent fields keep Istio's behavior.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TelemetrySpec {
    /// The access log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_log: Option<AccessLogSpec>,
    /// Tracing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracing: Option<TracingSpec>,
}

/// The access log.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessLogSpec {
    /// Which requests are logged.
    pub requests: LoggedRequests,
    /// The provider that receives the logs, as named in the mesh config. Default: `envoy`, the
    /// proxy's stdout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("default" = "envoy"))]
    pub provider: Option<String>,
}

/// Which requests are logged.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum LoggedRequests {
    /// Denied requests, and those that a shadowed rule or policy would deny.
    Denied,
    /// Requests that failed for any reason.
    Failed,
    /// All requests.
    All,
}

/// Tracing.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(extend("dependencies" = {"port": ["service"]}))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TracingSpec {
    /// The provider that receives the traces, as named in the mesh config.
    #[schemars(length(min = 1))]
    pub provider: String,
    /// The percentage of requests that are traced, from 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    pub sampling_percent: f64,
    /// The host of the OpenTelemetry collector. If absent, the mesh config must already define the
    /// provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectName>")]
    pub service: Option<String>,
    /// The collector's port for OTLP over gRPC. Default: 4317.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Port>", extend("default" = 4317))]
    pub port: Option<u16>,
}
