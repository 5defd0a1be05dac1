//! How pods of the control plane and of gateways run, for all installers.

use serde_json::{Value, json};

/// The minimum number of replicas. A single one is unavailable while its node is drained.
pub(super) const MIN_REPLICAS: u8 = 2;

/// The maximum number of replicas.
pub(super) const MAX_REPLICAS: u8 = 5;

/// The CPU utilization at which gateways scale up, in percent of the request.
pub(super) const BUSY_PERCENT: u8 = 80;

/// istiod's memory grows with endpoints and proxies. Without a memory limit it can exhaust its
/// node, and with a CPU limit it pushes late. The requests are Istio's own defaults.
pub(super) fn control_plane_resources() -> Value {
    json!({
        "requests": {"cpu": "500m", "memory": "2Gi"},
        "limits": {"memory": "4Gi"},
    })
}

/// Istio's own defaults.
pub(super) fn proxy_resources() -> Value {
    json!({
        "requests": {"cpu": "100m", "memory": "128Mi"},
        "limits": {"cpu": "2000m", "memory": "1024Mi"},
    })
}

/// Spreads pods with this label over nodes, if there are enough.
pub(super) fn apart(key: &str, value: &str) -> Value {
    json!({
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [{
                "weight": 100,
                "podAffinityTerm": {
                    "labelSelector": {"matchLabels": {key: value}},
                    "topologyKey": "kubernetes.io/hostname",
                },
            }],
        },
    })
}

/// An unprivileged container with a read-only file system.
pub(super) fn unprivileged() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]},
        "privileged": false,
        "readOnlyRootFilesystem": true,
        "runAsGroup": 1337,
        "runAsNonRoot": true,
        "runAsUser": 1337,
    })
}
