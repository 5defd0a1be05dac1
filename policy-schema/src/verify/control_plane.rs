//! Where istiod runs. It reads its mesh config in its own namespace, whichever the root namespace is.

use std::collections::BTreeSet;

use super::object::Object;
use crate::mesh_config::ROOT_NAMESPACE;
use crate::policy::Mesh;

/// What makes pods of istiod, and the label that Istio's chart gives all of these.
const KINDS: [(&str, &str); 3] = [("", "Pod"), ("", "Service"), ("apps", "Deployment")];
const LABEL: (&str, &str) = ("app", "istiod");

/// The namespaces in which istiod may run: Istio's default, the root namespace, and those in which it was seen.
pub fn control_plane_namespaces<'m>(mesh: &'m Mesh, objects: &'m [Object]) -> BTreeSet<&'m str> {
    let is_istiod = |object: &&Object| {
        let is_of_kind = KINDS.iter().any(|(group, kind)| object.is(group, kind));
        is_of_kind && object.label(LABEL.0) == Some(LABEL.1)
    };
    let seen = objects.iter().filter(is_istiod).map(Object::namespace);
    seen.chain([ROOT_NAMESPACE, &*mesh.root_namespace])
        .collect()
}
