//! The provenance of a module: an in-toto statement (v1) with a SLSA provenance (v1).

use serde_json::{Value, json};
use wasmparser::{KnownCustom, Parser, Payload};

use super::BuildInfo;
use super::hash::sha256;
use super::sbom::package_url;

/// The statement about a module and its image.
pub(super) fn for_image(module: &[u8], image_digest: &str, build: &BuildInfo) -> Value {
    let hex = image_digest.strip_prefix("sha256:").unwrap_or_default();
    let source = json!({
        "uri": format!("git+{}", build.source),
        "digest": {"gitCommit": build.revision},
    });
    let crates = build.dependencies.iter();
    let crates = crates
        .filter(|dependency| !dependency.checksum.is_empty())
        .map(|dependency| {
            json!({"uri": package_url(dependency), "digest": {"sha256": dependency.checksum}})
        });
    let dependencies: Vec<_> = std::iter::once(source).chain(crates).collect();
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": "plugin.wasm", "digest": {"sha256": sha256(module)}},
            {"name": "image", "digest": {"sha256": hex}},
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://peergate.dev/build/filter/v1",
                "externalParameters": {
                    "source": build.source,
                    "revision": build.revision,
                    "changed": build.changed,
                },
                "internalParameters": {
                    "compiler": compiler(module),
                    "optimizer": build.optimizer,
                },
                "resolvedDependencies": dependencies,
            },
            "runDetails": {"builder": {"id": "https://peergate.dev/builder/local"}},
        },
    })
}

/// The compiler that the module names (WebAssembly tool conventions, "producers").
fn compiler(module: &[u8]) -> Option<String> {
    for payload in Parser::new(0).parse_all(module) {
        let Ok(Payload::CustomSection(section)) = payload else {
            continue;
        };
        let KnownCustom::Producers(fields) = section.as_known() else {
            continue;
        };
        for field in fields.into_iter().flatten() {
            for value in field.values.into_iter().flatten() {
                if field.name == "processed-by" && value.name == "rustc" {
                    return Some(format!("rustc {}", value.version));
                }
            }
        }
    }
    None
}
