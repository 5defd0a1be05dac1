//! How much memory `peergate verify` takes to compare many objects with the documents.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "what the tests share may fail as the tests do"
)]

#[path = "support/footprint.rs"]
mod footprint;

use std::fmt::Write as _;

const GOAL: i64 = 20_000;
const MAX_KIBIBYTES: i64 = 1_000_000_000 / 1024;

/// So many policies, each with ten rules, for which two objects are rendered.
fn policies(count: i64) -> String {
    let mut text = "\
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec:
  trustDomain: cluster.local
  istioVersion: \"1.31\"
  filter: {image: oci://r.example/f@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef}
"
    .to_owned();
    for policy in 0..count {
        let _ = write!(
            text,
            "---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {{name: p{policy}, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: a{policy}}}}}
  rules:
"
        );
        for rule in 0..10 {
            let _ = write!(
                text,
                "    - id: r{rule}
      effect: Allow
      from: [{{serviceAccounts: [c{rule}]}}]
      to: [{{methods: [GET, POST], paths: [\"/p{rule}/*\"]}}]
"
            );
        }
    }
    text
}

#[test]
fn twenty_thousand_rendered_objects_are_compared_in_a_gigabyte() {
    let folder = tempfile::tempdir().unwrap();
    let peak_of = |objects| {
        std::fs::write(folder.path().join("policy.yaml"), policies(objects / 2)).unwrap();
        let rendered = std::process::Command::new(env!("CARGO_BIN_EXE_peergate"))
            .args(["render", "-f", "policy.yaml", "-o", "manifests.yaml"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(rendered.status.success());
        let manifests = ["--manifests", "manifests.yaml"];
        let arguments = [&["verify", "-f", "policy.yaml"][..], &manifests].concat();
        footprint::peak_of(folder.path(), &arguments)
    };
    let of_goal = footprint::extrapolated([1_000, 2_000], peak_of, GOAL);
    assert!(of_goal < MAX_KIBIBYTES, "{of_goal}");
}
