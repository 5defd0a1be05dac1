//! Determines which objects are obsolete once the rendered ones are in force.

use std::collections::{BTreeMap, BTreeSet};

use super::attachment::Attachment;
use super::names::without_part;
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

/// The part of an object that determines whether it is to be deleted.
pub(super) struct Original {
    attachment: Attachment,
    name: String,
    allows: bool,
}

impl From<&AuthorizationPolicy> for Original {
    fn from(object: &AuthorizationPolicy) -> Self {
        Self {
            attachment: Attachment::from_object(object),
            name: object.metadata.name.clone(),
            allows: object.spec.action == Action::Allow,
        }
    }
}

impl Original {
    fn qualified(&self) -> String {
        format!("{}/{}", self.attachment.namespace, self.name)
    }

    /// Whether its attachment overlaps one whose policy is left out.
    fn is_lost(&self, lost: &[&Attachment]) -> bool {
        let Attachment {
            namespace, targets, ..
        } = &self.attachment;
        lost.iter()
            .any(|lost| lost.namespace == *namespace && !lost.targets.is_disjoint(targets))
    }
}

/// The imported objects, in the order in which they must be deleted: those that allow before those
/// that deny, so that a missing rendered object denies rather than allows. Objects that rendered
/// ones overwrite are not included.
pub(super) fn replaced(originals: &[Original], groups: &[Group]) -> Vec<Replaced> {
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
    let lost = groups.iter().filter(|group| group.policy.is_none());
    let lost = lost.map(|group| &group.attachment);
    let lost: Vec<_> = lost.filter(|lost| !lost.targets.is_empty()).collect();
    let mut by_step: BTreeMap<(bool, &str), Vec<String>> = BTreeMap::new();
    for original in originals {
        let namespace = &*original.attachment.namespace;
        let rendered_name = (namespace, without_part(&original.name).to_owned());
        if carried.contains(&*original.qualified())
            && !original.is_lost(&lost)
            && !rendered.contains(&rendered_name)
        {
            let step = by_step.entry((!original.allows, namespace)).or_default();
            step.push(original.name.clone());
        }
    }
    let steps = by_step.into_iter().map(|((_, namespace), mut names)| {
        names.sort();
        Replaced {
            namespace: namespace.to_owned(),
            names,
        }
    });
    steps.collect()
}
