//! The JSON Schema of policy documents and the plugin config, for editors.
//!
//! It rejects what `validate` rejects, if a single document shows the mistake. It never rejects what `validate` accepts.

mod constants;
mod plain;

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::document::{MeshDocument, ServicePolicyDocument};
use crate::plugin_config::{ApiVersion, PluginConfig};

/// The schema of a policy document.
pub fn policy_document() -> Schema {
    let mut schema = generate::<PolicyDocument>();
    schema.insert("$id".to_owned(), url().into());
    constants::insert(&mut schema);
    schema
}

/// The schema of the plugin config.
pub fn plugin_config() -> Schema {
    generate::<PluginConfig>()
}

/// The URL of the schema of this version: a file in the repository.
pub fn url() -> String {
    let repository = env!("CARGO_PKG_REPOSITORY").replacen(
        "https://github.com/",
        "https://raw.githubusercontent.com/",
        1,
    );
    format!(
        "{repository}/v{}/docs/schema/peergate.schema.json",
        env!("CARGO_PKG_VERSION")
    )
}

/// The comment that names the schema for editors, as the first line of a file.
pub fn modeline() -> String {
    format!("# yaml-language-server: $schema={}\n", url())
}

/// Uses draft 7, which editors support best.
fn generate<T: JsonSchema>() -> Schema {
    let mut settings = SchemaSettings::draft07();
    settings.transforms.insert(0, Box::new(plain::simplify));
    settings.into_generator().into_root_schema_for::<T>()
}

/// Any policy document.
struct PolicyDocument;

impl JsonSchema for PolicyDocument {
    fn schema_name() -> Cow<'static, str> {
        "Peergate policy document".into()
    }

    /// Checks the kind first, so that a mistake in a policy is never reported as a mistake in a mesh.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let of_kind = |kind: &str, document: Schema| {
            json_schema!({
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": document,
            })
        };
        let documents = [
            of_kind("Mesh", generator.subschema_for::<MeshDocument>()),
            of_kind(
                "ServicePolicy",
                generator.subschema_for::<ServicePolicyDocument>(),
            ),
        ];
        let mut api_version = generator.subschema_for::<ApiVersion>();
        api_version.insert(
            "description".to_owned(),
            "The version of the policy language.".into(),
        );
        json_schema!({
            "title": "Peergate policy document",
            "description": "The settings of a mesh (`kind: Mesh`), or the rules of a workload, a namespace, the mesh, or gateways (`kind: ServicePolicy`).",
            "type": "object",
            "required": ["apiVersion", "kind", "metadata", "spec"],
            "properties": {
                "apiVersion": api_version,
                "kind": {
                    "description": "What the document describes.",
                    "oneOf": [
                        {"const": "Mesh", "description": "The settings of the whole mesh. There is exactly one."},
                        {"const": "ServicePolicy", "description": "The rules of a workload, a namespace, the mesh, or gateways."},
                    ],
                },
                "metadata": {"type": "object", "description": "The name of the document."},
                "spec": {"type": "object", "description": "The content of the document."},
            },
            "allOf": documents,
        })
    }
}
