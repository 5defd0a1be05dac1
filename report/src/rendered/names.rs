//! Duplicate objects. A cluster would only keep the last one.

use std::collections::BTreeMap;

use super::object::Object;

/// Lists objects with the same kind, namespace and name, with the sources of both.
pub fn duplicates(objects: &[Object]) -> Vec<String> {
    let mut known = BTreeMap::new();
    let mut duplicates = Vec::new();
    for object in objects {
        let Object::Resource(resource, _) = object else {
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
        duplicates.push(format!(
            "{} `{}/{}` would be rendered from {} and from {}",
            resource.kind().as_str(),
            metadata.namespace,
            metadata.name,
            other.source(),
            resource.source()
        ));
    }
    duplicates
}
