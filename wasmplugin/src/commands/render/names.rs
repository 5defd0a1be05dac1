//! Objects of the same name, of which a cluster would keep the last alone.

use std::collections::BTreeMap;

use peergate_fault::Failure;

use super::error::RenderError;
use super::object::Object;
use crate::report;

/// Refuses objects that have the kind, the namespace and the name of another, and says of what both
/// are made.
pub(super) fn check(objects: &[Object]) -> Result<(), Failure> {
    let mut known = BTreeMap::new();
    let mut refused = 0;
    for object in objects {
        let Object::Resource(resource) = object else {
            continue;
        };
        let metadata = resource.metadata();
        let name = (
            resource.group(),
            resource.kind(),
            &*metadata.namespace,
            &*metadata.name,
        );
        let Some(other) = known.insert(name, resource) else {
            continue;
        };
        report::error(&format!(
            "{} `{}/{}` would be made of {}, and of {}",
            resource.kind().as_str(),
            metadata.namespace,
            metadata.name,
            other.source(),
            resource.source()
        ));
        refused += 1;
    }
    if refused > 0 {
        return Err(RenderError::SameName(refused).into());
    }
    Ok(())
}
