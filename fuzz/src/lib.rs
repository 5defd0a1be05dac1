//! Fuzzes a parser of untrusted input with a corpus and mutations of it.
//!
//! Each input must be handled without a panic, within [`MAX_TIME`], and with at most [`MAX_MEMORY`]
//! allocated at a time. `cargo test` runs the corpus and a fixed number of mutations, without
//! measuring time. `make fuzz` runs for a given time, optimized. Failing inputs are written to
//! `target/fuzz-failures/`; move them to `fuzz/corpus/TARGET/`, and every later `cargo test` runs
//! them.

mod limits;
mod mutation;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use limits::Watch;
pub use limits::{MAX_MEMORY, MAX_TIME};
use mutation::{Mutator, Random};

/// The number of mutations in `cargo test`.
const TEST_MUTATIONS: u64 = 300;

/// The maximum number of inputs kept as a base for mutations.
const MAX_KEPT: usize = 4_000;

/// A parser of untrusted input.
#[derive(Clone, Copy, Debug)]
pub struct Target<'t> {
    /// The name for `make fuzz TARGET=`, and of the folder in `fuzz/corpus/`, if there is one.
    pub name: &'t str,
    /// Files and folders in the repository that serve as additional inputs.
    pub seeds: &'t [&'t str],
    /// Words to insert.
    pub dictionary: &'t [&'t str],
}

/// How much to run.
#[derive(Clone, Copy, Debug)]
enum Effort {
    /// The corpus, and this many mutations.
    Test(u64),
    /// Mutations for this long.
    Long(Duration),
}

/// Runs `read` on the corpus and on mutations. `read` returns the outcome of an input, such as the
/// codes of its errors. Inputs with a new outcome are mutated further.
///
/// # Panics
///
/// If `read` panics or exceeds a limit, or if the corpus is empty.
pub fn fuzz(target: Target<'_>, read: impl Fn(&[u8]) -> String) {
    let Some((effort, seed)) = Effort::wanted(target.name) else {
        return;
    };
    let mut inputs = corpus(&target);
    assert!(
        !inputs.is_empty(),
        "there is no corpus for `{}`",
        target.name
    );
    let watch = Watch::new(target.name, matches!(effort, Effort::Long(_)));
    let mut outcomes = HashSet::new();
    for input in &inputs {
        outcomes.insert(watch.run(input, &read));
    }
    let corpus_size = inputs.len();
    let mut mutator = Mutator::new(Random::new(seed), target.dictionary);
    let start = Instant::now();
    let mut count: u64 = 0;
    while effort.continues(count, start) {
        let input = mutator.mutate(&inputs);
        let outcome = watch.run(&input, &read);
        if outcomes.insert(outcome) && inputs.len() < MAX_KEPT {
            inputs.push(input);
        }
        count += 1;
    }
    if let Effort::Long(_) = effort {
        println!(
            "{}: {corpus_size} inputs of the corpus and {count} mutations, {} outcomes; peak memory {} bytes; {}",
            target.name,
            outcomes.len(),
            watch.peak_memory(),
            watch.slowest(),
        );
    }
}

/// The peak number of bytes that `run` has allocated.
pub fn peak_memory(run: impl FnOnce()) -> u64 {
    allocation_counter::measure(run).bytes_max
}

impl Effort {
    /// How much of a target to run, and the seed; `None` if only another target is to be run.
    fn wanted(target: &str) -> Option<(Self, u64)> {
        let number = |name: &str| Some(std::env::var(name).ok()?.parse().expect("a number"));
        let seed = number("PEERGATE_FUZZ_SEED").unwrap_or(1);
        match std::env::var("PEERGATE_FUZZ_TARGET") {
            Ok(wanted) if wanted == target => {
                let seconds = number("PEERGATE_FUZZ_SECONDS").unwrap_or(60);
                Some((Self::Long(Duration::from_secs(seconds)), seed))
            }
            Ok(_) => None,
            Err(_) => Some((Self::Test(TEST_MUTATIONS), seed)),
        }
    }

    fn continues(self, count: u64, start: Instant) -> bool {
        match self {
            Self::Test(most) => count < most,
            Self::Long(time) => start.elapsed() < time,
        }
    }
}

/// The inputs of a target, ordered by name.
fn corpus(target: &Target<'_>) -> Vec<Vec<u8>> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let own = repository.join("fuzz/corpus").join(target.name);
    let mut paths: Vec<PathBuf> = std::iter::once(own)
        .filter(|folder| folder.is_dir())
        .chain(target.seeds.iter().map(|seed| repository.join(seed)))
        .collect();
    let mut files = Vec::new();
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a folder that can be read");
            paths.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else {
            files.push(path);
        }
    }
    files.sort();
    let read = |path: &PathBuf| {
        std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    files.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const TARGET: Target<'_> = Target {
        name: "example",
        seeds: &["README.md"],
        dictionary: &["word"],
    };

    #[test]
    fn runs_the_corpus_and_mutations() {
        let count = Cell::new(0);
        let with_word = Cell::new(0);
        fuzz(TARGET, |input| {
            count.set(count.get() + 1);
            let has_word = input.windows(8).any(|window| window == b"wordword");
            with_word.set(with_word.get() + usize::from(has_word));
            String::new()
        });
        assert_eq!(count.get(), 1 + TEST_MUTATIONS);
        assert!(with_word.get() > 0);
    }

    #[test]
    #[should_panic(expected = "it panicked")]
    fn fails_on_a_panic() {
        fuzz(TARGET, |input| {
            assert!(input.is_empty(), "an input");
            String::new()
        });
    }

    #[test]
    #[should_panic(expected = "bytes at a time")]
    fn fails_on_too_much_memory() {
        fuzz(TARGET, |_| {
            let bytes: Vec<u8> = Vec::with_capacity(200_000_001);
            format!("{}", bytes.len())
        });
    }
}
