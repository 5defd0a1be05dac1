//! The memory that `peergate validate` needs for one large file.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "what the tests share may fail as the tests do"
)]

#[path = "support/footprint.rs"]
mod footprint;
#[path = "support/many_rules.rs"]
mod many_rules;

const MESH: &str = "\
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: mesh}
spec: {trustDomain: cluster.local, istioVersion: \"1.31\"}
";

const RULES_OF_POLICY: i64 = 400;
const GOAL: i64 = 400_000;
const MAX_KIBIBYTES: i64 = 1_000_000_000 / 1024;

/// A mesh with this many rules.
fn documents(rules: i64) -> String {
    let policies = rules / RULES_OF_POLICY;
    many_rules::documents(MESH, policies, RULES_OF_POLICY, |rule| {
        format!("methods: [GET], paths: [\"/p{rule}/{{**}}\"]")
    })
}

#[test]
fn validates_a_file_with_400_000_rules_within_a_gigabyte() {
    let folder = tempfile::tempdir().unwrap();
    let peak_kib = |rules| {
        std::fs::write(folder.path().join("policy.yaml"), documents(rules)).unwrap();
        footprint::peak_kib(folder.path(), &["validate", "-f", "policy.yaml"])
    };
    let peak = footprint::extrapolate([8_000, 16_000], peak_kib, GOAL);
    assert!(peak < MAX_KIBIBYTES, "{peak}");
}
