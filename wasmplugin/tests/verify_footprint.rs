//! The memory that `peergate verify` needs for the manifests of many workloads.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "what the tests share may fail as the tests do"
)]

#[path = "support/footprint.rs"]
mod footprint;

use std::fmt::Write as _;

const POLICY: &str = "\
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec: {trustDomain: cluster.local, istioVersion: \"1.31\"}
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {name: all, namespace: shop}
spec: {scope: Namespace, rules: []}
";

const GOAL: i64 = 20_000;
const MAX_KIBIBYTES: i64 = 1_000_000_000 / 1024;

/// This many objects, half of them `Deployment`s and half `Service`s.
fn manifests(objects: i64) -> String {
    let mut text = String::new();
    for workload in 0..objects / 2 {
        let _ = write!(
            text,
            "---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: d{workload}, namespace: shop, labels: {{app: a{workload}}}}}
spec:
  selector: {{matchLabels: {{app: a{workload}}}}}
  template:
    metadata: {{labels: {{app: a{workload}, version: v1}}}}
    spec:
      serviceAccountName: s{workload}
      containers:
        - name: main
          image: registry.example/a{workload}:1
          ports: [{{containerPort: 8080, name: http}}]
          env: [{{name: A, value: a}}, {{name: B, value: b}}, {{name: C, value: c}}]
          resources: {{limits: {{cpu: \"1\", memory: 1Gi}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: s{workload}, namespace: shop}}
spec: {{selector: {{app: a{workload}}}, ports: [{{name: tcp-db, port: 9000}}]}}
"
        );
    }
    text
}

#[test]
fn verifies_twenty_thousand_objects_within_a_gigabyte() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
    let peak_kib = |objects| {
        std::fs::write(folder.path().join("manifests.yaml"), manifests(objects)).unwrap();
        let arguments = [
            "verify",
            "-f",
            "policy.yaml",
            "--manifests",
            "manifests.yaml",
        ];
        footprint::peak_kib(folder.path(), &arguments)
    };
    let peak = footprint::extrapolate([1_000, 2_000], peak_kib, GOAL);
    assert!(peak < MAX_KIBIBYTES, "{peak}");
}
