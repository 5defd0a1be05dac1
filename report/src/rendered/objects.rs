//! Policies → the objects that are asked for, in the order in which a cluster takes them.

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

/// What is asked for.
#[derive(Debug)]
pub enum Asked<'a> {
    /// What a cluster takes.
    Resources(Resources<'a>),
    /// What the filter reads.
    PluginConfigs,
    /// The filters of a plain Envoy.
    HttpFilters {
        /// Where Envoy finds the filter.
        filter_path: &'a str,
    },
}

/// Which resources of Istio and Kubernetes are asked for.
#[derive(Clone, Copy)]
pub struct Resources<'a> {
    /// Whether objects of a kind are.
    pub has_kind: &'a dyn Fn(ResourceKind) -> bool,
    /// Whether every kind is. Without an image there is then no object that brings the filter, and that is no mistake.
    pub has_every_kind: bool,
    /// Whether what is of the whole mesh is.
    pub has_mesh: bool,
    /// The kind of object that brings the filter.
    pub api: ExtensionApi,
}

impl Debug for Resources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resources").finish_non_exhaustive()
    }
}

/// Why there is no such object.
#[derive(Debug, Error)]
pub enum NoObject {
    /// What brings the filter is asked for, and the mesh has no image of it.
    #[error("the mesh does not set `filter.image`")]
    MissingImage,
    /// The mesh's Istio does not have the kind of object that is to bring the filter.
    #[error(transparent)]
    NoTrafficExtension(NoExtension),
    /// A plain Envoy cannot enforce a policy.
    #[error("policy `{name}`: {reason}")]
    NotForPlainEnvoy {
        /// The policy.
        name: PolicyName,
        /// Why it cannot.
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
            Self::NoTrafficExtension(_) => Some("leave `--extension-api` out"),
            Self::NotForPlainEnvoy { .. } => None,
        }
    }
}

/// The objects of these policies, and of the mesh. `files` are the names of the texts that were validated.
pub fn objects(
    asked: &Asked<'_>,
    set: &PolicySet,
    policies: &[&ServicePolicy],
    files: &[String],
) -> Result<Vec<Object>, NoObject> {
    let mut objects = Vec::new();
    for policy in policies {
        match asked {
            Asked::Resources(asked) => objects.extend(
                asked
                    .of_policy(set, policy)?
                    .into_iter()
                    .map(|resource| object(resource, set, files)),
            ),
            Asked::PluginConfigs => {
                let config = set.rollout(policy).config().clone();
                objects.push(Object::PluginConfig(Box::new(config)));
            }
            Asked::HttpFilters { filter_path } => {
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
    // What denies comes after what allows, so that nothing is denied meanwhile.
    if let Asked::Resources(asked) = asked {
        let selected: BTreeSet<_> = policies.iter().map(|policy| policy.name()).collect();
        let is_wanted = |resource: &Resource| {
            (asked.has_kind)(resource.kind())
                && (asked.has_mesh
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
    fn of_policy(self, set: &PolicySet, policy: &ServicePolicy) -> Result<Vec<Resource>, NoObject> {
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
