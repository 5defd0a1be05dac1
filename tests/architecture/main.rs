//! Checks the import rules in the ARCHITECTURE.md pages, the length of files, and that each file
//! belongs to one crate.

mod files;
mod lengths;
mod paths;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

type Rules = BTreeMap<String, BTreeSet<String>>;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The rows of a page's table: name in the first column, permitted imports in the last.
fn rules_of(page: &str) -> Rules {
    let page = std::fs::read_to_string(repository().join(page)).unwrap();
    page.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|row| {
            let cells: Vec<_> = row.trim_matches('|').split('|').collect();
            let name = quoted(cells[0]).into_iter().next().unwrap();
            (name, quoted(cells[2]))
        })
        .collect()
}

/// The texts in backticks.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The folders of the workspace's crates. Some are inside the folder of another.
fn crate_folders() -> Vec<PathBuf> {
    let inside = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path())
    };
    let is_crate = |folder: &PathBuf| folder.join("Cargo.toml").exists();
    let outer: Vec<_> = inside(repository()).filter(is_crate).collect();
    let inner = outer.iter().cloned().flat_map(inside).filter(is_crate);
    let folders: Vec<_> = inner.chain(outer.iter().cloned()).collect();
    assert!(folders.len() > 1, "{folders:?}");
    folders
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// The modules that a file names after `crate::`, except in comments.
fn imports(file: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            rest[..end.unwrap_or(rest.len())].to_owned()
        })
        .collect()
}

/// Crates with rules for their modules.
const WITH_MODULE_RULES: [&str; 2] = ["engine", "policy-schema"];

#[test]
fn modules_import_only_what_their_page_permits() {
    for folder in WITH_MODULE_RULES {
        let rules = rules_of(&format!("{folder}/ARCHITECTURE.md"));
        let source = repository().join(folder).join("src");
        let mut seen = BTreeSet::new();
        for file in rust_files(&source) {
            let relative = file.strip_prefix(&source).unwrap();
            let module = relative.iter().next().unwrap().to_str().unwrap();
            let module = module.trim_end_matches(".rs");
            let is_test = relative.iter().any(|part| {
                part.to_str()
                    .is_some_and(|name| name.trim_end_matches(".rs") == "tests")
            });
            if module == "lib" || is_test {
                continue;
            }
            let permitted = rules
                .get(module)
                .unwrap_or_else(|| panic!("the page of {folder} does not know module `{module}`"));
            seen.insert(module.to_owned());
            for import in imports(&file) {
                assert!(
                    import == module || permitted.contains(&import),
                    "{folder}: {} imports `{import}`, which its page does not permit `{module}`",
                    relative.display()
                );
            }
        }
        let known = rules.into_keys().collect();
        assert_eq!(
            seen, known,
            "the page of {folder} names modules that are gone"
        );
    }
}

#[test]
fn modules_have_no_import_cycles() {
    for folder in WITH_MODULE_RULES {
        let mut rules = rules_of(&format!("{folder}/ARCHITECTURE.md"));
        while !rules.is_empty() {
            let before = rules.len();
            let free: Vec<_> = rules
                .iter()
                .filter(|(_, imports)| imports.iter().all(|import| !rules.contains_key(import)))
                .map(|(module, _)| module.clone())
                .collect();
            rules.retain(|module, _| !free.contains(module));
            assert!(rules.len() < before, "a circle among {:?}", rules.keys());
        }
    }
}

#[test]
fn files_have_no_import_cycles() {
    let mut found = Vec::new();
    for root in crate_roots() {
        let imports = files::imports(&root);
        assert!(imports.contains_key(&root), "{}", root.display());
        for circle in files::circles(&imports) {
            let shown = circle.iter().map(|(file, others)| {
                let name = |file: &Path| {
                    let relative = file.strip_prefix(repository()).unwrap();
                    relative.display().to_string()
                };
                let others: Vec<_> = others.iter().map(|other| name(other)).collect();
                format!("  {} imports {}", name(file), others.join(", "))
            });
            found.push(shown.collect::<Vec<_>>().join("\n"));
        }
    }
    assert!(
        found.is_empty(),
        "{} circles:\n{}",
        found.len(),
        found.join("\n\n")
    );
}

/// The roots of the libraries and binaries in the workspace.
fn crate_roots() -> Vec<PathBuf> {
    let members = rules_of("ARCHITECTURE.md").into_keys().count();
    let folders = crate_folders().into_iter();
    let folders = folders.map(|folder| folder.join("src"));
    let roots: Vec<_> = folders
        .flat_map(|source| ["lib.rs", "main.rs"].map(|root| source.join(root)))
        .filter(|root| root.exists())
        .collect();
    assert!(roots.len() >= members, "{roots:?}");
    roots
}

#[test]
fn crate_dependencies_match_the_page() {
    let rules = rules_of("ARCHITECTURE.md");
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(repository())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |value: &serde_json::Value| value["name"].as_str().unwrap().to_owned();
    let own: BTreeSet<_> = packages.iter().map(name).collect();
    assert_eq!(
        own,
        rules.keys().cloned().collect(),
        "the page and the workspace differ"
    );
    for package in packages {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let dependencies: BTreeSet<_> = dependencies.map(name).collect();
        let inside: BTreeSet<_> = dependencies.intersection(&own).cloned().collect();
        let package = name(package);
        assert_eq!(inside, rules[&package], "the dependencies of `{package}`");
    }
}

#[test]
fn the_filter_depends_only_on_the_engine() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "-p",
            "peergate-filter",
            "-e",
            "normal,features",
        ])
        .args(["--target", "wasm32-unknown-unknown"])
        .current_dir(repository())
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("peergate-engine"), "{tree}");
    for unwanted in ["policy-schema", "granit", "schemars", "strsim"] {
        assert!(
            !tree.contains(unwanted),
            "the filter pulls in {unwanted}:\n{tree}"
        );
    }
}

#[test]
fn only_the_demo_needs_the_sandbox() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", "peergate", "-e", "normal"])
        .arg("--no-default-features")
        .current_dir(repository())
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("peergate-insight"), "{tree}");
    assert!(!tree.contains("peergate-sandbox"), "{tree}");
}

#[test]
fn only_one_file_of_the_filter_names_host_calls() {
    let source = repository().join("filter/src");
    let naming: Vec<_> = rust_files(&source)
        .into_iter()
        .filter(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            text.contains("unsafe extern \"C\"") || text.contains("hostcalls::")
        })
        .map(|file| file.strip_prefix(&source).unwrap().to_owned())
        .collect();
    assert_eq!(naming, [Path::new("host/proxy_wasm.rs")]);
}

/// The import cycles in a crate with these files.
fn circles_among(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let circles = files::circles(&files::imports(&folder.path().join("lib.rs")));
    let name = |file: &PathBuf| {
        let relative = file.strip_prefix(folder.path()).unwrap();
        relative.display().to_string()
    };
    circles
        .iter()
        .map(|circle| circle.keys().map(name).collect())
        .collect()
}

#[test]
fn finds_planted_cycles_only() {
    let root = ("lib.rs", "mod a; mod b;");
    let b = (
        "b.rs",
        "pub(crate) struct B; pub(crate) fn b() { crate::a::a(); }",
    );
    let by_use = ("a.rs", "use crate::b::B; pub(crate) fn a() -> B { B }");
    let by_path = ("a.rs", "pub(crate) fn a() { let _ = super::b::B; }");
    let in_macro = (
        "a.rs",
        "pub(crate) fn a() { println!(\"{}\", crate::b::b()); }",
    );
    for a in [by_use, by_path, in_macro] {
        assert_eq!(circles_among(&[root, a, b]), [["a.rs", "b.rs"]], "{a:?}");
    }
    // Between a parent and its child, and through a re-export.
    let parent = (
        "a.rs",
        "mod c; pub(crate) struct A; pub(crate) fn a() { c::c(); }",
    );
    let child = ("a/c.rs", "use super::A; pub(crate) fn c() -> A { A }");
    let none = ("b.rs", "");
    assert_eq!(
        circles_among(&[root, parent, child, none]),
        [["a/c.rs", "a.rs"]]
    );
    let passed_on = (
        "a.rs",
        "mod c; mod d; pub(crate) use d::A; pub(crate) fn a() { c::c(); }",
    );
    let defined = ("a/d.rs", "pub(crate) struct A;");
    let files = [root, passed_on, child, defined, none];
    assert_eq!(circles_among(&files), [[""; 0]; 0]);
    // Only in tests.
    let tested = (
        "a.rs",
        "pub(crate) fn a() {} #[cfg(test)] mod tests { use crate::b::B; }",
    );
    assert_eq!(circles_among(&[root, tested, b]), [[""; 0]; 0]);
}
