//! Reads pod specs.

use serde_json::Value;

/// The declared TCP ports of a pod's own containers.
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

/// The number of the named TCP port of one of a pod's containers.
pub(super) fn named_port(pod: &Value, name: &str) -> Option<u16> {
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    let mut ports = containers
        .into_iter()
        .flatten()
        .filter_map(|container| container.get("ports")?.as_array())
        .flatten();
    let port = ports.find(|port| port.get("name").and_then(Value::as_str) == Some(name))?;
    u16::try_from(port.get("containerPort")?.as_u64()?).ok()
}

/// Whether a container is the sidecar.
fn is_sidecar(container: &Value) -> bool {
    container.get("name").and_then(Value::as_str) == Some("istio-proxy")
}

/// What the injected container runs, by the templates that the pod selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Injected {
    /// Envoy, the default.
    Envoy,
    /// Only the agent, for pods whose gRPC library reads Istio's configuration itself.
    GrpcAgent,
    /// Unknown: the cluster has a template of its own.
    Unknown,
}

/// Istio's templates with Envoy.
const ENVOY_TEMPLATES: [&str; 4] = ["sidecar", "gateway", "waypoint", "kube-gateway"];

/// Istio's templates for proxyless gRPC.
const GRPC_TEMPLATES: [&str; 2] = ["grpc-agent", "grpc-simple"];

/// What is injected into a pod, if anything.
pub(super) fn injected(pod: &Value) -> Injected {
    let annotation = pod
        .pointer("/metadata/annotations/inject.istio.io~1templates")
        .and_then(Value::as_str);
    let templates = annotation.unwrap_or_default().split(',').map(str::trim);
    let mut templates = templates.filter(|template| !template.is_empty()).peekable();
    if templates.peek().is_none() {
        return Injected::Envoy;
    }
    let templates: Vec<_> = templates.collect();
    let has = |known: &[&str]| templates.iter().any(|template| known.contains(template));
    if has(&ENVOY_TEMPLATES) {
        Injected::Envoy
    } else if has(&GRPC_TEMPLATES) {
        Injected::GrpcAgent
    } else {
        Injected::Unknown
    }
}

/// Whether the sidecar is among the containers or the native sidecars. The agent for proxyless gRPC
/// has the sidecar's name but does not count.
pub(super) fn has_sidecar(pod: &Value) -> bool {
    if injected(pod) == Injected::GrpcAgent {
        return false;
    }
    sidecars(pod).next().is_some()
}

/// The containers of a pod with the sidecar's name.
pub(super) fn sidecars(pod: &Value) -> impl Iterator<Item = &Value> {
    let containers = ["/spec/containers", "/spec/initContainers"].map(|field| pod.pointer(field));
    let containers = containers.into_iter().flatten();
    let containers = containers.filter_map(Value::as_array).flatten();
    containers.filter(|container| is_sidecar(container))
}
