//! What gateways are known by.

use super::Labels;
use super::edge::GATEWAY_NAME;

/// The label that installations of Istio give the pods of their own gateways.
const ISTIO: &str = "istio";

/// The label that names the workload.
const APP: &str = "app";

/// The classes of Istio's waypoints.
const WAYPOINT_CLASS: &str = "waypoint";

/// Whether a target is a gateway, or a class of gateways.
pub(crate) fn is_gateway(kind: &str, name: &str) -> bool {
    kind == "Gateway" || (kind == "GatewayClass" && !name.ends_with(WAYPOINT_CLASS))
}

/// Whether a label is one that only gateways have, by the conventions of Istio's installations: the operator
/// names them `istio-ingressgateway`, and Helm by the release, `istio-ingress` in its documentation.
pub(crate) fn has_gateway_label(labels: &Labels) -> bool {
    let is_gateway = |name: &str| name.ends_with("gateway") || matches!(name, "ingress" | "egress");
    let has = |key: &str, prefix: &str| {
        let value = labels.get(key).and_then(|value| value.strip_prefix(prefix));
        value.is_some_and(is_gateway)
    };
    labels.contains_key(GATEWAY_NAME) || has(ISTIO, "") || has(APP, "istio-")
}
