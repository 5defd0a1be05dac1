//! Objects of the same name, of which a cluster would keep the last alone.

use std::collections::BTreeMap;

use super::object::Object;

/// The objects that have the kind, the namespace and the name of another, and of what both are made, in a sentence
/// each.
pub fn twice(objects: &[Object]) -> Vec<String> {
    let mut known = BTreeMap::new();
    let mut twice = Vec::new();
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
        twice.push(format!(
            "{} `{}/{}` would be made of {}, and of {}",
            resource.kind().as_str(),
            metadata.namespace,
            metadata.name,
            other.source(),
            resource.source()
        ));
    }
    twice
}
