//! Policies → the requested objects, in the order to apply them.

use std::collections::BTreeSet;
use std::fmt::{self, Debug};

use peergate_fault::{ExitStatus, Fault};
use policy_schema::envoy::{self, NotForPlainEnvoy};
use policy_schema::istio::{
    ExtensionApi, NoExtension, Resource, ResourceKind, authorization_policies, extension,
    mesh_resources,
};
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::{PolicySet, ServicePolicy};
use thiserror::Error;

use super::object::Object;

/// The requested output.
#[derive(Debug)]
pub enum Requested<'a> {
    /// Kubernetes resources.
    Resources(Resources<'a>),
    /// Plugin configs of the filter.
    PluginConfigs,
    /// HTTP filters of a plain Envoy.
    HttpFilters {
        /// The path of the filter's module.
        filter_path: &'a str,
    },
}

/// The requested Istio and Kubernetes resources.
#[derive(Clone, Copy)]
pub struct Resources<'a> {
    /// Whether a kind is requested.
    pub has_kind: &'a dyn Fn(ResourceKind) -> bool,
    /// Whether every kind is requested. Then a mesh without a filter image is not an error.
    pub has_every_kind: bool,
    /// Whether the resources of the whole mesh are requested.
    pub has_mesh: bool,
    /// The API that installs the filter.
    pub api: ExtensionApi,
}

impl Debug for Resources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resources").finish_non_exhaustive()
    }
}

/// Why a requested object cannot be rendered.
#[derive(Debug, Error)]
pub enum NoObject {
    /// The filter is requested, but the mesh sets no image.
    #[error("the mesh does not set `filter.image`")]
    MissingImage,
    /// The Istio version of the mesh lacks the requested extension API.
    #[error(transparent)]
    NoTrafficExtension(NoExtension),
    /// A plain Envoy cannot enforce the policy.
    #[error("policy `{name}`: {reason}")]
    NotForPlainEnvoy {
        /// The policy.
        name: PolicyName,
        /// The reason.
        reason: NotForPlainEnvoy,
    },
}

impl Fault for NoObject {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        match self {
            Self::MissingImage => Some("set `spec.filter.image` of the `Mesh`"),
            Self::NoTrafficExtension(_) => Some("remove `--extension-api`"),
            Self::NotForPlainEnvoy { .. } => None,
        }
    }
}

/// Renders the objects of these policies and of the mesh. `files` are the names of the validated texts.
pub fn objects(
    requested: &Requested<'_>,
    set: &PolicySet,
    policies: &[&ServicePolicy],
    files: &[String],
) -> Result<Vec<Object>, NoObject> {
    let mut objects = Vec::new();
    for policy in policies {
        match requested {
            Requested::Resources(requested) => objects.extend(
                requested
                    .for_policy(set, policy)?
                    .into_iter()
                    .map(|resource| object(resource, set, files)),
            ),
            Requested::PluginConfigs => {
                let config = set.rollout(policy).config().clone();
                objects.push(Object::PluginConfig(Box::new(config)));
            }
            Requested::HttpFilters { filter_path } => {
                let filters = envoy::http_filters(&set.rollout(policy), filter_path);
                let name = policy.name().clone();
                let filters = filters.map_err(|reason| NoObject::NotForPlainEnvoy {
                    name: name.clone(),
                    reason,
                })?;
                objects.push(Object::HttpFilters(name, filters));
            }
        }
    }
    // Rules that allow come first, so that no request is denied during the apply.
    if let Requested::Resources(requested) = requested {
        let selected: BTreeSet<_> = policies.iter().map(|policy| policy.name()).collect();
        let is_wanted = |resource: &Resource| {
            (requested.has_kind)(resource.kind())
                && (requested.has_mesh
                    || resource
                        .policy()
                        .is_some_and(|name| selected.contains(&name)))
        };
        let resources = mesh_resources(set).into_iter().filter(is_wanted);
        objects.extend(resources.map(|resource| object(resource, set, files)));
    }
    Ok(objects)
}

/// The object, with the file of its policy. An object of several policies has no file.
fn object(resource: Resource, set: &PolicySet, files: &[String]) -> Object {
    let policy = resource.policy();
    let policy = policy.and_then(|name| set.policy(&name.namespace, &name.name));
    let file = policy.and_then(|policy| files.get(policy.source()).cloned());
    Object::Resource(Box::new(resource), file)
}

impl Resources<'_> {
    fn for_policy(
        self,
        set: &PolicySet,
        policy: &ServicePolicy,
    ) -> Result<Vec<Resource>, NoObject> {
        let mut objects = Vec::new();
        let mut add = |resource| objects.push(resource);
        let rollout = set.rollout(policy);
        let wants_extension = (self.has_kind)(ResourceKind::WasmPlugin)
            || (self.has_kind)(ResourceKind::TrafficExtension);
        let extension = match wants_extension.then(|| extension(&rollout, self.api)) {
            None => None,
            Some(Ok(extension)) => Some(extension),
            Some(Err(NoExtension::MissingImage)) if self.has_every_kind => None,
            Some(Err(NoExtension::MissingImage)) => return Err(NoObject::MissingImage),
            Some(Err(reason @ NoExtension::NoTrafficExtension(_))) => {
                return Err(NoObject::NoTrafficExtension(reason));
            }
        };
        if (self.has_kind)(ResourceKind::AuthorizationPolicy) {
            let rendered = authorization_policies(&rollout).into_iter();
            rendered.for_each(|object| add(object.into()));
        }
        extension.into_iter().for_each(add);
        Ok(objects)
    }
}
