//! What a pod's description says.

use serde_json::Value;

/// The TCP ports that a pod's own containers name.
pub(super) fn container_ports(pod: &Value) -> impl Iterator<Item = u16> {
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    containers
        .into_iter()
        .flatten()
        .filter(|container| !is_sidecar(container))
        .filter_map(|container| container.get("ports")?.as_array())
        .flatten()
        .filter(|port| {
            matches!(
                port.get("protocol").and_then(Value::as_str),
                None | Some("TCP")
            )
        })
        .filter_map(|port| u16::try_from(port.get("containerPort")?.as_u64()?).ok())
}

/// Whether a container is the sidecar.
fn is_sidecar(container: &Value) -> bool {
    container.get("name").and_then(Value::as_str) == Some("istio-proxy")
}

/// Whether the sidecar is among the containers, or among those that are started first and go on.
pub(super) fn has_sidecar(pod: &Value) -> bool {
    let containers = ["/spec/containers", "/spec/initContainers"].map(|field| pod.pointer(field));
    let mut containers = containers
        .into_iter()
        .flatten()
        .filter_map(Value::as_array)
        .flatten();
    containers.any(is_sidecar)
}
