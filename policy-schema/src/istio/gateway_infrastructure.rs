//! Gateway of the Kubernetes Gateway API → a `ConfigMap` that says how Istio is to run its pods.
//!
//! Istio makes an account, a `Deployment` and a `Service` of a `Gateway` by itself, with one pod. A
//! `ConfigMap` that the `Gateway` refers to has strategic merge patches of these, and has Istio make
//! a `HorizontalPodAutoscaler` and a `PodDisruptionBudget` too (`spec.infrastructure.parametersRef`).

use serde_json::{Value, json};

use super::pods::{BUSY_PERCENT, MAX_REPLICAS, MIN_REPLICAS, apart, proxy_resources, unprivileged};
use super::resource::{Resource, metadata};
use crate::document::GatewayApi;
use crate::policy::{GATEWAY_NAME, Gateway, IstioVersion, Mesh};

/// Since this version Istio can be told how to run gateways: it reads the `ConfigMap`.
pub const GATEWAY_INFRASTRUCTURE: IstioVersion = IstioVersion::minor(26);

/// The gateways whose pods Istio makes without a word on how, each by its name: one of each, which is
/// away when its node is drained.
pub fn gateways_of_one_pod(mesh: &Mesh) -> impl Iterator<Item = &str> {
    let gateways = mesh.gateways.iter();
    gateways
        .filter(|gateway| {
            gateway.api == GatewayApi::Kubernetes && mesh.istio_version < GATEWAY_INFRASTRUCTURE
        })
        .map(|gateway| gateway.name.as_str())
}

/// The `ConfigMap` of a gateway; none where Istio does not read it.
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
            // Nodes that pass a request on put their own address in place of the caller's.
            json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local"}),
        ),
    ];
    // Istio reads YAML, which JSON is too.
    let patches = patches.map(|(object, spec)| (object, format!("{:#}", json!({"spec": spec}))));
    let object = Resource::config_map(
        metadata(
            format!("{}-infrastructure", gateway.name),
            &gateway.namespace,
        ),
        patches.into(),
    );
    Some(object.made_of(format!("gateway `{}`", gateway.name)))
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
