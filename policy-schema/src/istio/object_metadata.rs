//! The metadata of an object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The metadata of an object that Peergate reads.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectMetadata {
    /// The object's name.
    pub name: String,
    /// The object's namespace.
    #[serde(default)]
    pub namespace: String,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations. Only `istio.io/dry-run` has a meaning.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}
