//! The most memory that a command takes, from two sizes of its input to a third, which takes an unoptimised build
//! too long.
//!
//! The system tells of all children of a program together which was the largest, so a program measures one thing.

use std::path::Path;
use std::process::Command;

use nix::sys::resource::{UsageWho, getrusage};

/// Runs the command line in a folder; the most memory in KiB that any child took so far.
pub(crate) fn peak_of(folder: &Path, arguments: &[&str]) -> i64 {
    let output = Command::new(env!("CARGO_BIN_EXE_peergate"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    // A verdict that something is wrong is one too.
    assert!(matches!(output.status.code(), Some(0 | 2)), "{errors}");
    getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss()
}

/// What an input of the size `goal` takes in KiB, by what others take, of which the first is the smaller.
pub(crate) fn extrapolated(sizes: [i64; 2], peak_of: impl Fn(i64) -> i64, goal: i64) -> i64 {
    let peaks = sizes.map(peak_of);
    let ([few, many], [of_few, of_many]) = (sizes, peaks);
    assert!(of_few < of_many, "{peaks:?}");
    let of_goal = of_many + (of_many - of_few) * (goal - many) / (many - few);
    println!("{peaks:?} KiB for {sizes:?}, so {of_goal} KiB for {goal}");
    of_goal
}
