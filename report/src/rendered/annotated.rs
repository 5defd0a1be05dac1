//! A resource → YAML with comments: the part of the documents that it is made of, and the ID of each rule.

use policy_schema::istio::Resource;

use crate::serialized::{self, SerializeError};

/// The resource as YAML with comments.
pub(crate) fn yaml(resource: &Resource) -> Result<String, SerializeError> {
    let text = serialized::yaml(resource)?;
    Ok(format!("# From {}.\n{text}", resource.source()))
}
