//! How much of a mesh policies are for.

use std::collections::BTreeSet;

use crate::document::TargetRef;
use crate::policy::{Attachment, Labels, ServicePolicy};

/// How much of a mesh a number of policies are for. What several of them are for counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Whether it is all of the mesh.
    pub whole_mesh: bool,
    /// How many selectors there are of pods in any namespace.
    pub selectors_of_mesh: usize,
    /// How many namespaces there are as a whole.
    pub whole_namespaces: usize,
    /// How many workloads there are, each by the labels that select it, and gateways and waypoints by their targets.
    pub workloads: usize,
    /// In how many namespaces these workloads are.
    pub namespaces_of_workloads: usize,
}

/// What a policy is for, such that policies for the same are equal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place<'p> {
    Mesh,
    PodsOfMesh(&'p Labels),
    Namespace(&'p str),
    Workload(&'p str, &'p Labels),
    Target(&'p str, &'p TargetRef),
}

impl Extent {
    /// Adds up what these policies are for.
    pub(super) fn of<'p>(policies: impl IntoIterator<Item = &'p ServicePolicy>) -> Self {
        let places: BTreeSet<_> = policies.into_iter().flat_map(places).collect();
        let mut extent = Self::default();
        let mut namespaces = BTreeSet::new();
        for place in places {
            match place {
                Place::Mesh => extent.whole_mesh = true,
                Place::PodsOfMesh(_) => extent.selectors_of_mesh += 1,
                Place::Namespace(_) => extent.whole_namespaces += 1,
                Place::Workload(namespace, _) | Place::Target(namespace, _) => {
                    extent.workloads += 1;
                    namespaces.insert(namespace);
                }
            }
        }
        extent.namespaces_of_workloads = namespaces.len();
        extent
    }

    /// Whether it is nothing.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

fn places(policy: &ServicePolicy) -> Vec<Place<'_>> {
    let namespace = policy.name.namespace.as_str();
    match &policy.attachment {
        Attachment::Mesh(labels) if labels.is_empty() => vec![Place::Mesh],
        Attachment::Mesh(labels) => vec![Place::PodsOfMesh(labels)],
        Attachment::Namespace => vec![Place::Namespace(namespace)],
        Attachment::Workload(labels) => vec![Place::Workload(namespace, labels)],
        Attachment::Targets(targets) => {
            let targets = targets.iter();
            targets
                .map(|target| Place::Target(namespace, target))
                .collect()
        }
    }
}
