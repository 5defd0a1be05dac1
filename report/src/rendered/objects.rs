//! Policies → the objects that are asked for.

use peergate_report::rendered::object::Object;
use policy_schema::envoy;
use policy_schema::istio::{
    ExtensionApi, NoExtension, ResourceKind, authorization_policies, extension, mesh_resources,
};
use policy_schema::policy::{PolicySet, ServicePolicy};

use super::error::RenderError;
use super::only::{Chosen, Only};

/// What is asked for.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) only: &'a Chosen,
    pub(super) api: ExtensionApi,
    /// Where a plain Envoy finds the filter.
    pub(super) filter_path: &'a str,
    /// Whether what is of the whole mesh is.
    pub(super) has_mesh: bool,
}

impl Asked<'_> {
    /// The objects of these policies, and of the mesh.
    pub(super) fn objects(
        &self,
        set: &PolicySet,
        policies: &[ServicePolicy],
    ) -> Result<Vec<Object>, RenderError> {
        let mut objects = Vec::new();
        for policy in policies {
            objects.extend(self.of_policy(set, policy)?);
        }
        // What denies comes after what allows, so that nothing is denied meanwhile.
        if self.has_mesh && !self.only.is_for_one_proxy() {
            let resources = mesh_resources(set).into_iter();
            let chosen = resources.filter(|resource| self.only.takes(resource.kind()));
            objects.extend(chosen.map(|resource| Object::Resource(Box::new(resource))));
        }
        Ok(objects)
    }

    fn of_policy(
        &self,
        set: &PolicySet,
        policy: &ServicePolicy,
    ) -> Result<Vec<Object>, RenderError> {
        let mut objects = Vec::new();
        let mut add = |resource| objects.push(Object::Resource(Box::new(resource)));
        let rollout = set.rollout(policy);
        let only = self.only;
        let wants_extension =
            only.takes(ResourceKind::WasmPlugin) || only.takes(ResourceKind::TrafficExtension);
        let extension = match wants_extension.then(|| extension(&rollout, self.api)) {
            None => None,
            Some(Ok(extension)) => Some(extension),
            Some(Err(NoExtension::MissingImage)) if only.is_everything() => None,
            Some(Err(NoExtension::MissingImage)) => return Err(RenderError::MissingImage),
            Some(Err(reason @ NoExtension::NoTrafficExtension(_))) => {
                return Err(RenderError::NoTrafficExtension(reason));
            }
        };
        if only.takes(ResourceKind::AuthorizationPolicy) {
            let rendered = authorization_policies(&rollout).into_iter();
            rendered.for_each(|object| add(object.into()));
        }
        extension.into_iter().for_each(add);
        if only.is(Only::PluginConfig) {
            objects.push(Object::PluginConfig(Box::new(rollout.config().clone())));
        }
        if only.is(Only::Envoy) {
            let filters = envoy::http_filters(&rollout, self.filter_path).map_err(|reason| {
                RenderError::NotForPlainEnvoy {
                    name: policy.name().clone(),
                    reason,
                }
            })?;
            objects.push(Object::HttpFilters(policy.name().clone(), filters));
        }
        Ok(objects)
    }
}
