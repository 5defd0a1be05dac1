//! Workloads without a sidecar, a policy or their account, and policies without a workload.

use serde_json::{Value, json};

use super::{Mesh, NOW, WORKLOADS, folder, run, text};

#[test]
fn reports_a_workload_without_a_sidecar() {
    for (old, new) in [
        (
            "        app: adservice\n    spec:",
            "        app: adservice\n        sidecar.istio.io/inject: \"false\"\n    spec:",
        ),
        (
            "      serviceAccountName: adservice",
            "      hostNetwork: true\n      serviceAccountName: adservice",
        ),
    ] {
        Mesh::good()
            .replacing("workloads.yaml", old, new)
            .reports_only(
                "unenforced-workload",
                "Deployment boutique/adservice",
                "has no sidecar, so policy `boutique/adservice` is not enforced",
            );
    }
}

/// Pods show the current state, and their controllers the intended state.
#[test]
fn reports_pods_that_predate_injection() {
    let pod = |hash: &str, name: &str, containers: Value| {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": "boutique",
                "labels": {"app": "adservice", "pod-template-hash": hash},
                "ownerReferences": [{"controller": true, "kind": "ReplicaSet", "name": format!("adservice-{hash}")}],
            },
            "spec": {"serviceAccountName": "adservice", "containers": containers},
            "status": {"phase": "Running"},
        })
    };
    let with = json!([{"name": "server"}, {"name": "istio-proxy"}]);
    let without = json!([{"name": "server"}]);
    let list = json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            pod("5f4d", "adservice-5f4d-a", with.clone()),
            pod("5f4d", "adservice-5f4d-b", with),
            pod("77c9", "adservice-77c9-c", without),
        ],
    });
    Mesh::good()
        .with("pods.json", &list.to_string())
        .reports_only(
            "unenforced-workload",
            "Deployment boutique/adservice",
            "has no sidecar, so policy `boutique/adservice` is not enforced",
        );
}

#[test]
fn reports_a_workload_without_a_policy() {
    let mesh = Mesh::good().with(
        "more.yaml",
        &WORKLOADS
            .split("---\n")
            .find(|part| part.contains("name: adservice"))
            .unwrap()
            .replace("adservice", "newservice"),
    );
    mesh.reports_only(
        "workload-without-policy",
        "Deployment boutique/newservice",
        "no policy selects it: every request is denied",
    );
    assert_eq!(mesh.verify(&["--deny-warnings"]).status, 2);
}

#[test]
fn reports_a_policy_that_selects_nothing() {
    let without = WORKLOADS
        .split("---\n")
        .filter(|part| !part.contains("name: adservice"));
    let without: Vec<_> = without.collect();
    Mesh::good()
        .with("workloads.yaml", &without.join("---\n"))
        .reports_only(
            "policy-without-workload",
            "ServicePolicy boutique/adservice",
            "selects no workload",
        );
}

#[test]
fn reports_a_workload_with_another_service_account() {
    Mesh::good()
        .replacing(
            "workloads.yaml",
            "serviceAccountName: adservice",
            "serviceAccountName: default",
        )
        .reports_only(
            "wrong-service-account",
            "Deployment boutique/adservice",
            "runs as service account `default`, but policy `boutique/adservice` declares `adservice`",
        );
}

/// A mesh whose documents leave workloads without a policy open.
#[test]
fn reports_an_open_workload() {
    let mesh = "\
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: open}
spec:
  trustDomain: cluster.local
  istioVersion: \"1.29\"
  defaults: {otherwise: Pass}
";
    let documents = folder(&[("mesh.yaml", mesh)]);
    let rendered = run(&["render", "-f", text(documents.path()), "--at", NOW]).stdout;
    let workload = WORKLOADS
        .split("---\n")
        .take(4)
        .collect::<Vec<_>>()
        .join("---\n");
    let manifests = folder(&[("mesh.yaml", &rendered), ("workloads.yaml", &workload)]);
    Mesh {
        documents: documents.path().into(),
        folder: manifests,
    }
    .reports_only(
        "open-workload",
        "Deployment boutique/adservice",
        "no policy selects it, and the mesh allows all requests to such workloads",
    );
}
