//! Renders a mesh to `Telemetry` (Istio, telemetry.istio.io): what proxies report about requests.

use serde::Serialize;

use super::api_version::v1_or_older;
use super::resource::{Resource, ResourceKind, Spec, metadata};
use crate::document::{AccessLogSpec, LoggedRequests, TracingSpec};
use crate::policy::{IstioVersion, Mesh};
use crate::telemetry::{DecisionEffect, Label};

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TelemetrySpec {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    access_logging: Vec<AccessLogging>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tracing: Vec<Tracing>,
}

impl Spec for TelemetrySpec {
    fn kind(&self) -> ResourceKind {
        ResourceKind::Telemetry
    }

    fn api_version(&self, istio: IstioVersion) -> &'static str {
        v1_or_older(
            "telemetry.istio.io/v1alpha1",
            "telemetry.istio.io/v1",
            istio,
        )
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct AccessLogging {
    providers: [Provider; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<Filter>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tracing {
    providers: [Provider; 1],
    random_sampling_percentage: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Provider {
    name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Filter {
    expression: String,
}

/// The object for the mesh, if it configures telemetry.
pub(super) fn telemetry(mesh: &Mesh) -> Option<Resource> {
    let access_logging = mesh.telemetry.access_log.as_ref().map(access_logging);
    let tracing = mesh.telemetry.tracing.as_ref().map(tracing);
    if access_logging.is_none() && tracing.is_none() {
        return None;
    }
    let spec = TelemetrySpec {
        access_logging: access_logging.into_iter().collect(),
        tracing: tracing.into_iter().collect(),
    };
    Some(Resource::new(
        mesh.istio_version,
        metadata("peergate", &mesh.root_namespace),
        spec,
    ))
}

fn access_logging(spec: &AccessLogSpec) -> AccessLogging {
    AccessLogging {
        providers: [Provider {
            name: spec.provider.clone().unwrap_or_else(|| "envoy".to_owned()),
        }],
        filter: expression(spec.requests).map(|expression| Filter { expression }),
    }
}

/// Which requests are logged, as an expression for Envoy's access log filter (CEL over Envoy's
/// attributes).
///
/// For gRPC clients, denials have the HTTP status 200 and the gRPC status 7, `PERMISSION_DENIED`.
/// If there is no gRPC status, Envoy derives one from the HTTP status: 7 from 403, and 2 from 200.
/// So other failures can only be distinguished for gRPC.
///
/// Requests that a rule in shadow would deny have passed. The filter writes its effect to the
/// filter state, as bytes. For other requests there is no such value. CEL treats that as an error,
/// so they are not logged.
fn expression(requests: LoggedRequests) -> Option<String> {
    match requests {
        LoggedRequests::Denied => Some(format!(
            "response.code == 403 || response.grpc_status == 7 || filter_state['wasm.{}'] == b'{}'",
            Label::Effect,
            DecisionEffect::ShadowDeny
        )),
        LoggedRequests::Failed => Some(
            "response.code >= 400 || (request.headers['content-type'].startsWith('application/grpc') && response.grpc_status != 0)"
                .to_owned(),
        ),
        LoggedRequests::All => None,
    }
}

fn tracing(spec: &TracingSpec) -> Tracing {
    Tracing {
        providers: [Provider {
            name: spec.provider.clone(),
        }],
        random_sampling_percentage: spec.sampling_percent,
    }
}
