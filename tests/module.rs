//! The released module: its imports, its exports and its size.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

/// The host calls that a proxy must provide, of those in proxy-wasm ABI 0.2.1. If one is missing in
/// a proxy, the module fails to load.
const IMPORTS: [&str; 14] = [
    "proxy_define_metric",
    "proxy_get_buffer_bytes",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_value",
    "proxy_get_property",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_record_metric",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_send_local_response",
    "proxy_set_effective_context",
    "proxy_set_property",
];

/// The exports. Each additional callback would be called for each request, except the one for
/// trailers, which few requests have.
const EXPORTS: [&str; 9] = [
    "_initialize",
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_memory_allocate",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_vm_start",
];

/// Every sidecar downloads and compiles the module.
const MAX_BYTES: usize = 310_000;

/// The module with this name.
fn named(name: &str) -> Vec<u8> {
    let path = peergate_tests::module().with_file_name(name);
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; `make filter` builds it", path.display()))
}

fn module() -> Vec<u8> {
    named("peergate_filter.wasm")
}

/// The module that compares its decisions with RBAC's.
fn comparing() -> Vec<u8> {
    named("peergate_filter_comparing.wasm")
}

fn imports(module: &[u8]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::ImportSection(section) = payload.unwrap() else {
            continue;
        };
        for import in section.into_imports() {
            let import = import.unwrap();
            assert_eq!(import.module, "env", "{}", import.name);
            assert!(matches!(import.ty, TypeRef::Func(_)), "{}", import.name);
            names.insert(import.name.to_owned());
        }
    }
    names
}

fn exports(module: &[u8]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::ExportSection(section) = payload.unwrap() else {
            continue;
        };
        for export in section {
            let export = export.unwrap();
            if matches!(export.kind, ExternalKind::Func | ExternalKind::Memory) {
                names.insert(export.name.to_owned());
            }
        }
    }
    names
}

#[test]
fn imports_only_listed_host_calls() {
    let permitted: BTreeSet<_> = IMPORTS.map(str::to_owned).into();
    for module in [module(), comparing()] {
        let imports = imports(&module);
        let unexpected: Vec<_> = imports.difference(&permitted).collect();
        assert!(unexpected.is_empty(), "{unexpected:?}");
    }
}

#[test]
fn exports_only_the_needed_callbacks() {
    let expected: BTreeSet<_> = EXPORTS.map(str::to_owned).into();
    assert_eq!(exports(&module()), expected);
    let mut expected = expected;
    expected.insert("proxy_on_log".to_owned());
    assert_eq!(exports(&comparing()), expected);
}

#[test]
fn stays_within_its_size_budget() {
    for module in [module(), comparing()] {
        let size = module.len();
        assert!(
            size <= MAX_BYTES,
            "{size} bytes exceed the limit of {MAX_BYTES}"
        );
    }
}

/// Anyone can rebuild the module to verify that an image was built from these sources.
#[test]
fn builds_reproducibly_in_another_folder() {
    let folder = tempfile::tempdir().unwrap();
    copy_sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
        folder.path(),
    );
    let build = Command::new(folder.path().join("scripts/build-filter"))
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&build.stderr);
    assert!(build.status.success(), "{log}");
    let built = std::fs::read(folder.path().join("target/filter/peergate_filter.wasm")).unwrap();
    assert!(
        built == module(),
        "not the same bytes; if the module is older than the sources, `make filter` builds it\n{log}"
    );
}

/// Copies the sources without build outputs and downloads.
fn copy_sources(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if [".git", ".tools", "target"].contains(&name.to_str().unwrap()) {
            continue;
        }
        let to = to.join(name);
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy_sources(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}
