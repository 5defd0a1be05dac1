//! Finds the namespaces of istiod. It reads its mesh config from its own namespace, regardless of
//! the root namespace.

use std::collections::BTreeSet;

use super::object::Object;
use crate::mesh_config::ROOT_NAMESPACE;
use crate::policy::Mesh;

/// The kinds that show where istiod runs. Istio's chart sets the same label on all of them.
const KINDS: [(&str, &str); 3] = [("", "Pod"), ("", "Service"), ("apps", "Deployment")];
const LABEL: (&str, &str) = ("app", "istiod");

/// The namespaces in which istiod may run: Istio's default, the root namespace, and those in which
/// it was observed.
pub fn control_plane_namespaces<'m>(mesh: &'m Mesh, objects: &'m [Object]) -> BTreeSet<&'m str> {
    let is_istiod = |object: &&Object| {
        let is_of_kind = KINDS.iter().any(|(group, kind)| object.is(group, kind));
        is_of_kind && object.label(LABEL.0) == Some(LABEL.1)
    };
    let seen = objects.iter().filter(is_istiod).map(Object::namespace);
    seen.chain([ROOT_NAMESPACE, &*mesh.root_namespace])
        .collect()
}
