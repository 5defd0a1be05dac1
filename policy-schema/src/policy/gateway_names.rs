//! Labels and classes that identify gateways.

use super::Labels;
use super::edge::GATEWAY_NAME;

/// The label that Istio installations set on the pods of their gateways.
const ISTIO: &str = "istio";

/// The label with the name of the workload.
const APP: &str = "app";

/// The class of Istio's waypoints.
const WAYPOINT_CLASS: &str = "waypoint";

/// Whether a target is a gateway or a class of gateways.
pub(crate) fn is_gateway(kind: &str, name: &str) -> bool {
    kind == "Gateway" || (kind == "GatewayClass" && !name.ends_with(WAYPOINT_CLASS))
}

/// Whether only gateways have a label of this name and value, by the conventions of Istio
/// installations. The operator names gateways `istio-ingressgateway`. Helm names them by release,
/// which Istio's documentation calls `istio-ingress`.
pub(crate) fn has_gateway_label(labels: &Labels) -> bool {
    let is_gateway = |name: &str| name.ends_with("gateway") || matches!(name, "ingress" | "egress");
    let has = |key: &str, prefix: &str| {
        let value = labels.get(key).and_then(|value| value.strip_prefix(prefix));
        value.is_some_and(is_gateway)
    };
    labels.contains_key(GATEWAY_NAME) || has(ISTIO, "") || has(APP, "istio-")
}
