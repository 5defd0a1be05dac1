//! The memory that `peergate render` needs for a mesh of many services, and the size of its output.
//!
//! It is the only test in its program: the system reports only the largest child process.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "what the tests share may fail as the tests do"
)]

use std::process::Command;

use nix::sys::resource::{UsageWho, getrusage};
use peergate_tests::large_mesh;

const RULES: usize = 10;

/// The memory limit for rendering a mesh of [`GOAL`] services: 1 GB, in KiB as the system reports it.
const MAX_KIBIBYTES: i64 = 1_000_000_000 / 1024;
const GOAL: i64 = 10_000;

/// The size limit of `kubectl apply` for one object.
const MAX_OBJECT: usize = 256 * 1024;

/// Renders a mesh with this many services; the peak memory in KiB of any child so far.
fn peak_kib(services: usize) -> i64 {
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

/// Extrapolates from two sizes to a third that takes an unoptimized build too long.
#[test]
fn renders_ten_thousand_services_with_ten_rules_each_within_a_gigabyte() {
    let (few, many) = (500, 1_000);
    let peaks = [few, many].map(peak_kib);
    let [of_few, of_many] = peaks;
    let for_each = (of_many - of_few) / i64::try_from(many - few).unwrap();
    let peak = of_many + for_each * (GOAL - i64::try_from(many).unwrap());
    println!("{peaks:?} KiB, so {peak} KiB for {GOAL} services");
    assert!(for_each > 0, "{peaks:?}");
    assert!(peak < MAX_KIBIBYTES, "{peaks:?}: {peak}");
}
