//! Pods in the mesh without Envoy, and pods with unknown containers.

use serde_json::json;

use super::Mesh;

/// The workload with this annotation.
fn with_templates(templates: &str) -> Mesh {
    let annotated = format!(
        "        app: adservice\n      annotations: {{inject.istio.io/templates: {templates:?}}}\n    spec:"
    );
    let old = "        app: adservice\n    spec:";
    Mesh::good().replacing("workloads.yaml", old, &annotated)
}

#[test]
fn reports_a_proxyless_grpc_workload() {
    for templates in ["grpc-agent", "grpc-simple", "grpc-agent,own"] {
        with_templates(templates).reports_only(
            "unenforced-workload",
            "Deployment boutique/adservice",
            "policy `boutique/adservice` selects it, but its pods have no Envoy: the filter does not run, and at most the gRPC library enforces the `AuthorizationPolicy`",
        );
    }
}

#[test]
fn skips_a_workload_with_a_custom_injection_template() {
    with_templates("own").reports_only(
        "not-checked",
        "Deployment boutique/adservice",
        "policy `boutique/adservice` selects it, but its pods use a custom injection template, which may have no Envoy",
    );
}

#[test]
fn a_template_with_envoy_is_a_sidecar() {
    for templates in ["sidecar", "sidecar,own", "own, sidecar", ""] {
        assert_eq!(with_templates(templates).findings(), [[""; 3]; 0]);
    }
}

/// The agent's container has the same name as a sidecar.
#[test]
fn reports_a_proxyless_grpc_pod() {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "adservice-5d9c-x",
            "namespace": "boutique",
            "labels": {"app": "adservice", "pod-template-hash": "5d9c"},
            "annotations": {"inject.istio.io/templates": "grpc-agent"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "adservice-5d9c", "controller": true}],
        },
        "spec": {"serviceAccountName": "adservice", "containers": [{"name": "server"}, {"name": "istio-proxy"}]},
        "status": {"phase": "Running"},
    });
    Mesh::good().with("pod.yaml", &pod.to_string()).reports_only(
        "unenforced-workload",
        "Deployment boutique/adservice",
        "policy `boutique/adservice` selects it, but its pods have no Envoy: the filter does not run, and at most the gRPC library enforces the `AuthorizationPolicy`",
    );
}
