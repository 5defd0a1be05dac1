//! The fields of access log lines, as Envoy formats them.
//!
//! The filter writes the decision to the filter state of the request, which no client can write.
//! Queries, headers and tokens are not logged.

use serde_json::{Map, Value};

use crate::telemetry::DECISION_FIELDS;

/// The name of the provider in Istio's mesh config.
pub const ACCESS_LOG_PROVIDER: &str = "peergate";

/// Fields that Envoy itself knows, with their operators (Envoy, access logging, "Command
/// operators").
const FIELDS: [(&str, &str); 14] = [
    ("start_time", "%START_TIME%"),
    ("method", "%REQ(:METHOD)%"),
    ("path", "%REQ_WITHOUT_QUERY(:PATH)%"),
    ("authority", "%REQ(:AUTHORITY)%"),
    ("protocol", "%PROTOCOL%"),
    ("response_code", "%RESPONSE_CODE%"),
    ("response_code_details", "%RESPONSE_CODE_DETAILS%"),
    ("response_flags", "%RESPONSE_FLAGS%"),
    ("grpc_status", "%GRPC_STATUS(NUMBER)%"),
    ("duration", "%DURATION%"),
    ("request_id", "%REQ(X-REQUEST-ID)%"),
    ("peer", "%DOWNSTREAM_PEER_URI_SAN%"),
    // At a waypoint, another listener terminates TLS and passes the caller on under this name.
    (
        "waypoint_peer",
        "%FILTER_STATE(io.istio.peer_principal:PLAIN)%",
    ),
    // The name begins with the direction. Not every version of Envoy has an operator for the
    // direction.
    ("upstream_cluster", "%UPSTREAM_CLUSTER%"),
];

/// The fields of a line, each with Envoy's operator.
pub fn access_log_labels() -> Value {
    let of_envoy = FIELDS.map(|(name, operator)| (name.to_owned(), Value::from(operator)));
    let of_filter = DECISION_FIELDS.map(|name| {
        let operator = format!("%FILTER_STATE(wasm.{name}:PLAIN)%");
        (name.to_owned(), Value::from(operator))
    });
    let fields: Map<_, _> = of_envoy.into_iter().chain(of_filter).collect();
    Value::Object(fields)
}
