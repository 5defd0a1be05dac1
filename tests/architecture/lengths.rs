//! Limits the length of files.

use std::collections::BTreeMap;

use super::{crate_folders, repository, rust_files};

/// A longer file covers more than one subject.
const MAX_LINES: usize = 450;

#[test]
fn files_are_short() {
    let mut long = BTreeMap::new();
    for file in crate_folders().iter().flat_map(|folder| rust_files(folder)) {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        if lines > MAX_LINES {
            let name = file.strip_prefix(repository()).unwrap();
            long.insert(name.to_owned(), lines);
        }
    }
    assert!(
        long.is_empty(),
        "split files of more than {MAX_LINES} lines by subject: {long:#?}"
    );
}
