//! How large objects are.

use super::object::Object;
use crate::serialized::{SerializeError, json_bytes};

/// The most that an object may have, as JSON: etcd takes requests of 1.5 MiB (`--max-request-bytes`),
/// in which Kubernetes keeps what it adds itself.
const MAX_BYTES: usize = 1024 * 1024;

/// The most that all annotations of an object may have, of which `kubectl apply` makes one that has
/// the whole object.
const MAX_ANNOTATION_BYTES: usize = 256 * 1024;

/// The objects that are large for a cluster.
#[derive(Debug, Default)]
pub struct Large {
    /// Those that a cluster refuses, and how large each is, in a sentence each.
    pub refused: Vec<String>,
    /// How many others `kubectl` applies by the server alone.
    pub by_server_alone: usize,
}

/// The objects that are large for a cluster.
pub fn large(objects: &[Object]) -> Result<Large, SerializeError> {
    let mut large = Large::default();
    for object in objects {
        let Object::Resource(resource, _) = object else {
            continue;
        };
        let bytes = json_bytes(resource)?;
        if bytes > MAX_BYTES {
            let metadata = resource.metadata();
            large.refused.push(format!(
                "{} `{}/{}` has {bytes} bytes, and a cluster takes {MAX_BYTES}",
                resource.kind().as_str(),
                metadata.namespace,
                metadata.name
            ));
        } else if bytes > MAX_ANNOTATION_BYTES {
            large.by_server_alone += 1;
        }
    }
    Ok(large)
}
