//! Renders a gateway of the Kubernetes Gateway API to a `ConfigMap` that configures its pods.
//!
//! For a `Gateway`, Istio creates a service account, a `Deployment` with one pod, and a `Service`.
//! The `ConfigMap` that the `Gateway` refers to contains strategic merge patches for these, and
//! makes Istio create a `HorizontalPodAutoscaler` and a `PodDisruptionBudget`
//! (`spec.infrastructure.parametersRef`).

use serde_json::{Value, json};

use super::pods::{BUSY_PERCENT, MAX_REPLICAS, MIN_REPLICAS, apart, proxy_resources, unprivileged};
use super::resource::{Resource, metadata};
use crate::document::GatewayApi;
use crate::policy::{GATEWAY_NAME, Gateway, IstioVersion, Mesh};

/// The first version of Istio that reads the `ConfigMap`.
pub const GATEWAY_INFRASTRUCTURE: IstioVersion = IstioVersion::minor(26);

/// The names of gateways that Istio runs as a single pod that cannot be configured. They are
/// unavailable while their node is drained.
pub fn single_pod_gateways(mesh: &Mesh) -> impl Iterator<Item = &str> {
    let gateways = mesh.gateways.iter();
    gateways
        .filter(|gateway| {
            gateway.api == GatewayApi::Kubernetes && mesh.istio_version < GATEWAY_INFRASTRUCTURE
        })
        .map(|gateway| gateway.name.as_str())
}

/// The `ConfigMap` of a gateway. None if Istio does not read it.
pub(super) fn config_map(gateway: &Gateway, version: IstioVersion) -> Option<Resource> {
    if version < GATEWAY_INFRASTRUCTURE {
        return None;
    }
    let patches = [
        ("deployment", deployment(gateway)),
        ("horizontalPodAutoscaler", autoscaler()),
        ("podDisruptionBudget", json!({"minAvailable": 1})),
        (
            "service",
            // Otherwise, nodes that forward a request replace the caller's address with their own.
            json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local"}),
        ),
    ];
    // Istio reads YAML, and JSON is YAML.
    let patches = patches.map(|(object, spec)| (object, format!("{:#}", json!({"spec": spec}))));
    let object = Resource::config_map(
        metadata(
            format!("{}-infrastructure", gateway.name),
            &gateway.namespace,
        ),
        patches.into(),
    );
    Some(object.with_source(format!("gateway `{}`", gateway.name)))
}

fn deployment(gateway: &Gateway) -> Value {
    json!({
        "template": {
            "spec": {
                "affinity": apart(GATEWAY_NAME, &gateway.name),
                "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [{
                    "name": "istio-proxy",
                    "resources": proxy_resources(),
                    "securityContext": unprivileged(),
                }],
            },
        },
    })
}

fn autoscaler() -> Value {
    json!({
        "minReplicas": MIN_REPLICAS,
        "maxReplicas": MAX_REPLICAS,
        "metrics": [{
            "type": "Resource",
            "resource": {
                "name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": BUSY_PERCENT},
            },
        }],
    })
}
