//! Every file belongs to one crate. Shared code is in a crate that all users may depend on.

use std::path::{Component, Path, PathBuf};

use super::{crate_folders, repository, rust_files};

/// The start of an attribute that sets a module's path.
const ATTRIBUTE: &str = "#[path = \"";

/// The files outside the crate's folder that a file uses as modules.
fn outside(folder: &Path, file: &Path, text: &str) -> Vec<PathBuf> {
    let attributes = text.lines().map(str::trim_start);
    let paths = attributes.filter_map(|line| line.strip_prefix(ATTRIBUTE)?.split('"').next());
    let targets = paths.map(|path| normalized(&file.parent().unwrap().join(path)));
    let folder = normalized(folder);
    targets
        .filter(|target| !target.starts_with(&folder))
        .collect()
}

/// The path without `..` components.
fn normalized(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for part in path.components() {
        if part != Component::ParentDir || !normalized.pop() {
            normalized.push(part);
        }
    }
    normalized
}

#[test]
fn no_crate_includes_files_of_another() {
    for folder in crate_folders() {
        for file in rust_files(&folder) {
            let text = std::fs::read_to_string(&file).unwrap();
            let found = outside(&folder, &file, &text);
            let name = file.strip_prefix(repository()).unwrap();
            assert!(found.is_empty(), "{} takes {found:?}", name.display());
        }
    }
}

#[test]
fn finds_paths_outside_the_crate() {
    let (folder, file) = (Path::new("/mesh/a"), Path::new("/mesh/a/tests/it/main.rs"));
    let within = "#[path = \"../support/b.rs\"]\nmod b;";
    assert!(outside(folder, file, within).is_empty());
    let without = "    #[path = \"../../../ab/src/c.rs\"]\n    mod c;";
    assert_eq!(
        outside(folder, file, without),
        [Path::new("/mesh/ab/src/c.rs")]
    );
}
