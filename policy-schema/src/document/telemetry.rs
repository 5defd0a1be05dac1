//! What proxies tell about requests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::forms::{ObjectName, Port};

/// What proxies tell about requests. What is left out is as Istio has it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TelemetrySpec {
    /// Which requests are logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_log: Option<AccessLogSpec>,
    /// Which requests are traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracing: Option<TracingSpec>,
}

/// Which requests are logged.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccessLogSpec {
    /// Which ones.
    pub requests: LoggedRequests,
    /// Where to: a provider of the mesh config. `envoy`, which is the proxy's stdout, when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), extend("default" = "envoy"))]
    pub provider: Option<String>,
}

/// Which requests are logged.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum LoggedRequests {
    /// Those that were denied, or would have been by what is in shadow.
    Denied,
    /// Those that failed for any reason.
    Failed,
    /// All.
    All,
}

/// Which requests are traced.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(extend("dependencies" = {"port": ["service"]}))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TracingSpec {
    /// Where to: a provider of the mesh config.
    #[schemars(length(min = 1))]
    pub provider: String,
    /// How many of a hundred requests, from 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    pub sampling_percent: f64,
    /// The host of the collector, where the provider is to be one of OpenTelemetry. Left out, the
    /// provider is in the mesh config already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectName>")]
    pub service: Option<String>,
    /// The collector's port for OTLP over gRPC. 4317 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Port>", extend("default" = 4317))]
    pub port: Option<u16>,
}
