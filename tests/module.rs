//! The module that is shipped: what it asks of a proxy, what it offers, and how large it is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

/// The host calls that a proxy must offer. One that is missing in some proxy makes the module fail
/// to load there, so the list grows on purpose only.
const IMPORTS: [&str; 12] = [
    "proxy_define_metric",
    "proxy_get_buffer_bytes",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_header_map_value",
    "proxy_get_property",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_send_local_response",
    "proxy_set_effective_context",
    "proxy_set_tick_period_milliseconds",
];

/// Without these a proxy would not run the filter.
const EXPORTS: [&str; 6] = [
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_request_headers",
    "proxy_on_vm_start",
];

/// What every sidecar downloads and compiles.
const MAX_BYTES: usize = 250_000;

fn module() -> Vec<u8> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/filter/peergate_filter.wasm");
    let path = std::env::var_os("PEERGATE_FILTER").map_or(built, PathBuf::from);
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; `make filter` builds it", path.display())
    })
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
fn asks_the_proxy_for_nothing_beyond_the_list() {
    let imports = imports(&module());
    let permitted: BTreeSet<_> = IMPORTS.map(str::to_owned).into();
    let unexpected: Vec<_> = imports.difference(&permitted).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

#[test]
fn offers_what_a_proxy_needs_to_run_it() {
    let exports = exports(&module());
    for name in EXPORTS {
        assert!(exports.contains(name), "{name} is not among {exports:?}");
    }
}

#[test]
fn stays_within_its_size() {
    let size = module().len();
    assert!(size <= MAX_BYTES, "{size} bytes of at most {MAX_BYTES}");
}

/// A copy of a name in the module is a copy of code that can panic with a message.
#[test]
fn holds_no_code_of_the_host_calls_that_panic() {
    let module = module();
    let text = String::from_utf8_lossy(&module);
    assert!(!text.contains("FromUtf8Error"), "a header getter of the SDK is linked in");
}
