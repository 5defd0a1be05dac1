//! The bill of materials of a module, as CycloneDX 1.5.

use serde_json::{Value, json};

use super::build_info::{BuildInfo, Dependency};
use super::hash::sha256;

/// The bill of materials of a module.
pub(super) fn from_module(module: &[u8], build: &BuildInfo) -> Value {
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": "plugin.wasm",
                "name": "plugin.wasm",
                "version": build.version().unwrap_or_default(),
                "hashes": [{"alg": "SHA-256", "content": sha256(module)}],
            },
        },
        "components": build.dependencies.iter().map(component).collect::<Vec<_>>(),
    })
}

fn component(dependency: &Dependency) -> Value {
    let Dependency {
        name,
        version,
        license,
        checksum,
    } = dependency;
    let mut component = json!({
        "type": "library",
        "bom-ref": format!("{name}@{version}"),
        "name": name,
        "version": version,
        "licenses": [{"expression": license}],
    });
    // Crates of this repository are not in a registry.
    if let (false, Some(fields)) = (checksum.is_empty(), component.as_object_mut()) {
        fields.insert("purl".to_owned(), json!(package_url(dependency)));
        let hashes = json!([{"alg": "SHA-256", "content": checksum}]);
        fields.insert("hashes".to_owned(), hashes);
    }
    component
}

/// The name of a crate in its registry (purl specification, type `cargo`).
pub(super) fn package_url(Dependency { name, version, .. }: &Dependency) -> String {
    format!("pkg:cargo/{name}@{version}")
}
