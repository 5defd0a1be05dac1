//! Files of the repository with documents.

use std::fs;
use std::path::{Path, PathBuf};

/// The folders with documents.
const FOLDERS: [&str; 7] = [
    "examples",
    "fuzz/corpus/yaml",
    "mesh",
    "sandbox",
    "tests",
    "wasmplugin/src",
    "wasmplugin/tests",
];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All YAML files with their texts.
pub(crate) fn yaml_files() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(&root().join(folder), &mut files);
    }
    files
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let extension = path.extension().and_then(|it| it.to_str());
        if path.is_dir() {
            collect(&path, files);
        } else if matches!(extension, Some("yaml" | "yml")) {
            let text = read(&path);
            files.push((path, text));
        }
    }
}

/// The YAML blocks of a page that are complete files.
pub(crate) fn blocks(page: &str, label: &str) -> Vec<String> {
    let page = read(&root().join(page));
    let start = format!("```yaml {label}\n");
    page.split(&start)
        .skip(1)
        .map(|block| block.split("```").next().unwrap_or_default().to_owned())
        .collect()
}
