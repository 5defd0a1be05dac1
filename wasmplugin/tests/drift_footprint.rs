//! The memory that `peergate verify` needs to compare many objects with the documents.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "what the tests share may fail as the tests do"
)]

#[path = "support/footprint.rs"]
mod footprint;
#[path = "support/many_rules.rs"]
mod many_rules;

const GOAL: i64 = 20_000;
const MAX_KIBIBYTES: i64 = 1_000_000_000 / 1024;

const MESH: &str = "\
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec:
  trustDomain: cluster.local
  istioVersion: \"1.31\"
  filter: {image: oci://r.example/f@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef}
";

/// This many policies with ten rules each. Each policy renders to two objects.
fn policies(count: i64) -> String {
    many_rules::documents(MESH, count, 10, |rule| {
        format!("methods: [GET, POST], paths: [\"/p{rule}/*\"]")
    })
}

#[test]
fn compares_twenty_thousand_rendered_objects_within_a_gigabyte() {
    let folder = tempfile::tempdir().unwrap();
    let peak_kib = |objects| {
        std::fs::write(folder.path().join("policy.yaml"), policies(objects / 2)).unwrap();
        let rendered = std::process::Command::new(env!("CARGO_BIN_EXE_peergate"))
            .args(["render", "-f", "policy.yaml", "--out", "manifests.yaml"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(rendered.status.success());
        let manifests = ["--manifests", "manifests.yaml"];
        let arguments = [&["verify", "-f", "policy.yaml"][..], &manifests].concat();
        footprint::peak_kib(folder.path(), &arguments)
    };
    let peak = footprint::extrapolate([1_000, 2_000], peak_kib, GOAL);
    assert!(peak < MAX_KIBIBYTES, "{peak}");
}
