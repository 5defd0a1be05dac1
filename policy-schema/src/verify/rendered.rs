//! What the documents are rendered to.

use super::object::Object;
use crate::istio::{
    ExtensionApi, NoExtension, Resource, authorization_policies, extension, mesh_resources,
};
use crate::policy::PolicySet;

/// All that the documents are rendered to.
pub(super) fn rendered<'s>(
    set: &'s PolicySet,
    api: ExtensionApi,
    unchecked: &'s mut Vec<String>,
) -> impl Iterator<Item = Object> + 's {
    let of_mesh = mesh_resources(set);
    let policies = set.policies().iter();
    let of_policies = policies.clone().flat_map(|policy| {
        authorization_policies(&set.rollout(policy))
            .into_iter()
            .map(Into::into)
    });
    let extensions = policies.map_while(move |policy| match extension(&set.rollout(policy), api) {
        Ok(resource) => Some(resource),
        // Then the documents want none, and any in the cluster is left over.
        Err(NoExtension::MissingImage) => None,
        Err(reason @ NoExtension::NoTrafficExtension(_)) => {
            unchecked.push(format!("the objects that bring the filter: {reason}"));
            None
        }
    });
    of_mesh
        .into_iter()
        .chain(of_policies)
        .chain(extensions)
        // What was built of texts, numbers and lists is an object as JSON too.
        .filter_map(|resource: Resource| Object::new(serde_json::to_value(resource).ok()?))
}
