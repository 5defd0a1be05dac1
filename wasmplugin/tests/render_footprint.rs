//! How much memory `peergate render` takes for a mesh of many services, and how large what it makes is.
//!
//! Alone in its program: the system tells of all children together which was the largest.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "what the tests share may fail as the tests do"
)]

use std::process::Command;

use nix::sys::resource::{UsageWho, getrusage};
use peergate_tests::large_mesh;

const RULES: usize = 10;

/// The most that all objects of a mesh of [`GOAL`] services may take to be rendered: 1 GB, in KiB as the
/// system counts.
const MAX_KIBIBYTES: i64 = 1_000_000_000 / 1024;
const GOAL: i64 = 10_000;

/// What `kubectl apply` takes of one object.
const MAX_OBJECT: usize = 256 * 1024;

/// Renders a mesh of these many services; the most memory in KiB that any child took so far.
fn peak_of(services: usize) -> i64 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mesh.yaml");
    std::fs::write(&path, large_mesh::documents(services, RULES)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_peergate"))
        .args(["render", "-f", path.to_str().unwrap()])
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    let stream = String::from_utf8(output.stdout).unwrap();
    let objects: Vec<_> = stream.split("---\n").map(str::len).collect();
    assert!(objects.len() > 4 * services, "{}", objects.len());
    let largest = objects.iter().max().unwrap();
    assert!(*largest < MAX_OBJECT, "{largest}");
    getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss()
}

/// From two sizes to a third, which takes an unoptimised build too long.
#[test]
fn renders_ten_thousand_services_with_ten_rules_each_within_a_gigabyte() {
    let (few, many) = (500, 1_000);
    let peaks = [few, many].map(peak_of);
    let [of_few, of_many] = peaks;
    let for_each = (of_many - of_few) / i64::try_from(many - few).unwrap();
    let of_goal = of_many + for_each * (GOAL - i64::try_from(many).unwrap());
    println!("{peaks:?} KiB, so {of_goal} KiB for {GOAL} services");
    assert!(for_each > 0, "{peaks:?}");
    assert!(of_goal < MAX_KIBIBYTES, "{peaks:?}: {of_goal}");
}
