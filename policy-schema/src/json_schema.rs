//! The JSON Schema of what people write, for their editors.

use schemars::{JsonSchema, Schema, schema_for};

use crate::document::{MeshDocument, ServicePolicyDocument};
use crate::plugin_config::PluginConfig;

/// Any policy document.
#[derive(JsonSchema)]
#[schemars(untagged, title = "Peergate policy document")]
#[expect(
    dead_code,
    reason = "a shape for the schema alone; documents are read by their kind"
)]
enum PolicyDocument {
    /// What is true of the whole mesh.
    Mesh(MeshDocument),
    /// The rules of one workload.
    ServicePolicy(ServicePolicyDocument),
}

/// The schema of a policy document.
pub fn policy_document() -> Schema {
    schema_for!(PolicyDocument)
}

/// The schema of the plugin config.
pub fn plugin_config() -> Schema {
    schema_for!(PluginConfig)
}
