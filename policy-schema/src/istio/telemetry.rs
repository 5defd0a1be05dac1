//! Mesh → `Telemetry` (Istio, telemetry.istio.io): what proxies tell about requests.

use serde::Serialize;

use super::api_version::v1_or;
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
        v1_or(
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

/// The object for the mesh, where anything is declared.
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

/// Which requests are logged, as Envoy's access log filter takes it (CEL over Envoy's attributes).
///
/// To gRPC clients denials have the HTTP status 200, and 7, `PERMISSION_DENIED`, for their own. Envoy
/// makes a gRPC status of the HTTP status where there is none, 7 of 403 and 2 of 200, so that other
/// failures can be told of gRPC alone.
///
/// What would have been denied has passed; the filter leaves its effect in the filter state, where a
/// value is bytes. Of other requests there is none, which is an error to CEL, and so not logged.
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
