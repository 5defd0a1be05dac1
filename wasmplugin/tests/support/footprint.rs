//! The peak memory of a command, extrapolated from two input sizes to a third that takes an unoptimized build
//! too long.
//!
//! The system reports only the largest child of a program, so each test program measures one command.

use std::path::Path;
use std::process::Command;

use nix::sys::resource::{UsageWho, getrusage};

/// Runs the command line in a folder; the peak memory in KiB of any child so far.
pub(crate) fn peak_kib(folder: &Path, arguments: &[&str]) -> i64 {
    let output = Command::new(env!("CARGO_BIN_EXE_peergate"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    // A negative result is a result too.
    assert!(matches!(output.status.code(), Some(0 | 2)), "{errors}");
    getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss()
}

/// The memory in KiB for an input of size `goal`, extrapolated from `sizes`, the smaller one first.
pub(crate) fn extrapolate(sizes: [i64; 2], peak_kib: impl Fn(i64) -> i64, goal: i64) -> i64 {
    let peaks = sizes.map(peak_kib);
    let ([few, many], [of_few, of_many]) = (sizes, peaks);
    assert!(of_few < of_many, "{peaks:?}");
    let peak = of_many + (of_many - of_few) * (goal - many) / (many - few);
    println!("{peaks:?} KiB for {sizes:?}, so {peak} KiB for {goal}");
    peak
}
