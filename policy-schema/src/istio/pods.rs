//! How pods of the control plane and of gateways run, whoever installs them.

use serde_json::{Value, json};

/// The fewest there are of each: one is enough until its node is drained.
pub(super) const MIN_REPLICAS: u8 = 2;

/// The most there are of each.
pub(super) const MAX_REPLICAS: u8 = 5;

/// How busy gateways are, in percent of the cores that they ask for, before there are more of them.
pub(super) const BUSY_PERCENT: u8 = 80;

/// istiod's memory grows with endpoints and proxies; without a limit it takes the node's, and with a
/// limit of CPU it pushes late. What is asked for is Istio's own default.
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

/// Pods with this label on nodes of their own, as far as there are enough.
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

/// A container as nobody in particular, who can become nobody else and writes nowhere.
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
