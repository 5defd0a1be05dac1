//! An object → YAML with comments: the part of the documents that it is made of, and the ID of each rule.

use super::object::Object;
use crate::serialized::{self, SerializeError};

/// The object as YAML with comments.
pub(crate) fn yaml(object: &Object) -> Result<String, SerializeError> {
    let text = serialized::yaml(object)?;
    let Object::Resource(resource) = object else {
        return Ok(text);
    };
    Ok(format!("# From {}.\n{text}", resource.source()))
}
