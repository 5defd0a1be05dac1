//! The objects that are of no use once rendered ones are in force.

use std::collections::{BTreeMap, BTreeSet};

use super::attachment::Attachment;
use super::names::without_part;
use super::objects::Placed;
use super::policy::Group;
use crate::istio::AuthorizationPolicy;
use crate::istio::authorization_policy::Action;

/// Objects of a namespace to be deleted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Their namespace.
    pub namespace: String,
    /// Their names, in order.
    pub names: Vec<String>,
}

/// The objects whose rules are in policies, in the order in which they are to be deleted: those that allow
/// before those that deny, so that a rendered object that is missing denies rather than allows. Objects that
/// rendered ones overwrite are not among them.
pub(super) fn replaced(objects: &[Placed<AuthorizationPolicy>], groups: &[Group]) -> Vec<Replaced> {
    let policies = groups.iter().filter_map(|group| group.policy.as_ref());
    let carried: BTreeSet<&str> = policies
        .clone()
        .flat_map(|policy| policy.origins.iter().map(|origin| &*origin.object))
        .collect();
    let rendered: BTreeSet<(&str, String)> = policies
        .flat_map(|policy| {
            let metadata = &policy.document.metadata;
            let names = Action::ALL.map(|action| format!("{}{}", metadata.name, action.suffix()));
            names.map(|name| (&*metadata.namespace, name))
        })
        .collect();
    let lost: BTreeSet<String> = lost(objects, groups);
    let mut by_step: BTreeMap<(bool, String), Vec<String>> = BTreeMap::new();
    for object in objects {
        let object = &object.resource;
        let (namespace, name) = (&object.metadata.namespace, &object.metadata.name);
        let qualified = format!("{namespace}/{name}");
        let is_overwritten = rendered.contains(&(&**namespace, without_part(name).to_owned()));
        if carried.contains(&*qualified) && !lost.contains(&qualified) && !is_overwritten {
            let denies = object.spec.action != Action::Allow;
            by_step
                .entry((denies, namespace.clone()))
                .or_default()
                .push(name.clone());
        }
    }
    let steps = by_step.into_iter().map(|((_, namespace), mut names)| {
        names.sort();
        Replaced { namespace, names }
    });
    steps.collect()
}

/// The objects that are for something whose policy is left out.
fn lost(objects: &[Placed<AuthorizationPolicy>], groups: &[Group]) -> BTreeSet<String> {
    let lost = groups.iter().filter(|group| group.policy.is_none());
    let attachments: Vec<_> = lost.map(|group| &group.attachment).collect();
    let is_lost = |object: &AuthorizationPolicy| {
        let attachment = Attachment::of(object);
        attachments.iter().any(|lost| {
            lost.namespace == attachment.namespace && !lost.targets.is_disjoint(&attachment.targets)
        })
    };
    let objects = objects.iter().map(|object| &object.resource);
    let lost = objects.filter(|object| is_lost(object));
    lost.map(|object| format!("{}/{}", object.metadata.namespace, object.metadata.name))
        .collect()
}
