//! Size limits of objects.

use super::object::Object;
use crate::serialized::{SerializeError, json_bytes};

/// The maximum size of an object as JSON. etcd limits requests to 1.5 MiB (`--max-request-bytes`), including fields that
/// Kubernetes adds.
const MAX_BYTES: usize = 1024 * 1024;

/// The maximum size of all annotations of an object. Client-side `kubectl apply` stores the whole object in one.
const MAX_ANNOTATION_BYTES: usize = 256 * 1024;

/// Objects near or above the size limits.
#[derive(Debug, Default)]
pub struct Oversized {
    /// Errors about objects that the API server rejects.
    pub rejected: Vec<String>,
    /// The number of other objects that need `kubectl apply --server-side`.
    pub server_side_only: usize,
}

/// Objects near or above the size limits.
pub fn oversized(objects: &[Object]) -> Result<Oversized, SerializeError> {
    let mut oversized = Oversized::default();
    for object in objects {
        let Object::Resource(resource, _) = object else {
            continue;
        };
        let bytes = json_bytes(resource)?;
        if bytes > MAX_BYTES {
            let metadata = resource.metadata();
            oversized.rejected.push(format!(
                "{} `{}/{}` has {bytes} bytes, more than the maximum of {MAX_BYTES}",
                resource.kind().as_str(),
                metadata.namespace,
                metadata.name
            ));
        } else if bytes > MAX_ANNOTATION_BYTES {
            oversized.server_side_only += 1;
        }
    }
    Ok(oversized)
}
