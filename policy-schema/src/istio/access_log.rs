//! What access logs say: the fields of a line, as Envoy formats them.
//!
//! The decision is what the filter leaves in the filter state of a request, which no client can write. Queries,
//! headers and tokens are not among the fields.

use serde_json::{Map, Value};

use crate::telemetry::DECISION_FIELDS;

/// The name of the provider in Istio's mesh config.
pub const ACCESS_LOG_PROVIDER: &str = "peergate";

/// What Envoy knows by itself, and the operators that tell it (Envoy, access logging, "Command operators").
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
    // At a waypoint another listener ends TLS, and passes the caller on by this name.
    (
        "waypoint_peer",
        "%FILTER_STATE(io.istio.peer_principal:PLAIN)%",
    ),
    // Its name begins with the direction, of which Envoy has no operator in every version.
    ("upstream_cluster", "%UPSTREAM_CLUSTER%"),
];

/// The fields of a line, each with the operator that Envoy fills in.
pub fn access_log_labels() -> Value {
    let of_envoy = FIELDS.map(|(name, operator)| (name.to_owned(), Value::from(operator)));
    let of_filter = DECISION_FIELDS.map(|name| {
        let operator = format!("%FILTER_STATE(wasm.{name}:PLAIN)%");
        (name.to_owned(), Value::from(operator))
    });
    let fields: Map<_, _> = of_envoy.into_iter().chain(of_filter).collect();
    Value::Object(fields)
}
