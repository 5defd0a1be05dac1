//! Files are short enough to be about one thing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{repository, rust_files};

/// A longer file has a second thing to be found.
const MOST_LINES: usize = 450;

/// Longer files that are tables of cases: to split one would tell alike cases apart.
const TABLES: [(&str, &str); 3] = [
    (
        "policy-schema/src/yaml/tests/reading.rs",
        "each kind of fault with what is said of it",
    ),
    (
        "policy-schema/tests/hardening.rs",
        "each fault of a mesh and of a policy with its place",
    ),
    (
        "wasmplugin/tests/arrival/requests.rs",
        "each kind of request with what becomes of it in a proxy",
    ),
];

/// Longer files that have a second thing. None is to be added.
const TO_BE_SPLIT: [&str; 15] = [
    "insight/src/learning/tests.rs",
    "insight/src/promotion/tests.rs",
    "policy-schema/tests/applied.rs",
    "policy-schema/tests/validation.rs",
    "tests/e2e/mesh.rs",
    "tests/model/naive.rs",
    "tests/src/random/policy.rs",
    "wasmplugin/src/commands/promote/human.rs",
    "wasmplugin/src/top/fit.rs",
    "wasmplugin/src/top/tests.rs",
    "wasmplugin/tests/cli/hardened.rs",
    "wasmplugin/tests/cli/learn.rs",
    "wasmplugin/tests/cli/verify/mesh_config.rs",
    "wasmplugin/tests/cluster/main.rs",
    "wasmplugin/tests/learning/main.rs",
];

#[test]
fn no_file_is_long_without_a_reason() {
    let tables = TABLES.iter().map(|(name, _)| *name);
    let mut excused: Vec<_> = tables.chain(TO_BE_SPLIT).collect();
    let mut long = BTreeMap::new();
    for file in crate_folders().iter().flat_map(|folder| rust_files(folder)) {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        if lines > MOST_LINES {
            let name = file.strip_prefix(repository()).unwrap();
            long.insert(name.to_str().unwrap().to_owned(), lines);
        }
    }
    excused.retain(|name| long.remove(*name).is_none());
    assert!(
        long.is_empty(),
        "of more than {MOST_LINES} lines, find what else they are about: {long:#?}"
    );
    assert!(
        excused.is_empty(),
        "no longer long, so remove them from the list: {excused:#?}"
    );
}

/// The folders of the workspace's crates.
fn crate_folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository()).unwrap();
    let folders = entries.map(|entry| entry.unwrap().path());
    let folders: Vec<_> = folders
        .filter(|folder| folder.join("Cargo.toml").exists())
        .collect();
    assert!(folders.len() > 1, "{folders:?}");
    folders
}
