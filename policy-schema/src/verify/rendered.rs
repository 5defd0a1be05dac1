//! Renders the documents for the comparison.

use super::object::Object;
use crate::istio::{
    ExtensionApi, NoExtension, Resource, authorization_policies, can_extend, extension,
    mesh_resources,
};
use crate::policy::PolicySet;

/// All objects that the documents render to.
pub(super) fn rendered<'s>(
    set: &'s PolicySet,
    api: ExtensionApi,
    unchecked: &'s mut Vec<String>,
) -> impl Iterator<Item = Object> + 's {
    let of_mesh = mesh_resources(set);
    let policies = set.policies().iter();
    let is_extended = match can_extend(set, api) {
        Ok(()) => true,
        // The documents then render none, and any in the cluster is a leftover.
        Err(NoExtension::MissingImage) => false,
        Err(reason @ NoExtension::NoTrafficExtension(_)) => {
            unchecked.push(format!("the objects that load the filter: {reason}"));
            false
        }
    };
    let of_policies = policies.flat_map(move |policy| {
        let rollout = set.rollout(policy);
        let extension = is_extended.then(|| extension(&rollout, api).ok());
        let rbac = authorization_policies(&rollout).into_iter().map(Into::into);
        rbac.chain(extension.flatten())
    });
    of_mesh
        .into_iter()
        .chain(of_policies)
        // Strings, numbers and lists always serialize to an object.
        .filter_map(|resource: Resource| Object::new(serde_json::to_value(resource).ok()?))
}
