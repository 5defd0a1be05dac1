//! Services that proxies call themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::forms::{ObjectName, Port};

/// A service that proxies call themselves: an extension provider of Istio's mesh config.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExtensionProviderSpec {
    /// The name of the provider in `Custom` rules, or in `telemetry.accessLog.provider`.
    #[schemars(length(min = 1))]
    pub name: String,
    /// What proxies ask the provider or send to it.
    pub api: ExtensionProviderApi,
    /// The host of the provider, such as `opa.authz.svc.cluster.local`.
    #[schemars(with = "ObjectName", extend("examples" = ["opa.authz.svc.cluster.local"]))]
    pub service: String,
    /// The port of the service.
    #[schemars(with = "Port")]
    pub port: u16,
}

/// What proxies ask an extension provider or send to it.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum ExtensionProviderApi {
    /// Whether a request is allowed, with Envoy's external authorization over gRPC.
    ExtAuthzGrpc,
    /// Whether a request is allowed, with Envoy's external authorization over HTTP.
    ExtAuthzHttp,
    /// Access logs, with OpenTelemetry over gRPC.
    OpenTelemetryLogs,
}

impl ExtensionProviderApi {
    /// Whether the provider decides `Custom` rules.
    pub fn authorizes(self) -> bool {
        match self {
            Self::ExtAuthzGrpc | Self::ExtAuthzHttp => true,
            Self::OpenTelemetryLogs => false,
        }
    }
}
