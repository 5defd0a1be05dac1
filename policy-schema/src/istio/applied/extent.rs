//! How much of a mesh policies apply to.

use std::collections::BTreeSet;

use crate::document::TargetRef;
use crate::policy::{Attachment, Labels, ServicePolicy};

/// How much of a mesh some policies apply to. Overlaps count once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Whether it is the whole mesh.
    pub whole_mesh: bool,
    /// The number of selectors for pods of any namespace.
    pub selectors_of_mesh: usize,
    /// The number of whole namespaces.
    pub whole_namespaces: usize,
    /// The number of workloads, counted by selector. Gateways and waypoints are counted by target.
    pub workloads: usize,
    /// The number of namespaces with these workloads.
    pub namespaces_of_workloads: usize,
}

/// What a policy applies to. Equal for policies that apply to the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place<'p> {
    Mesh,
    PodsOfMesh(&'p Labels),
    Namespace(&'p str),
    Workload(&'p str, &'p Labels),
    Target(&'p str, &'p TargetRef),
}

impl Extent {
    /// The combined extent of these policies.
    pub(super) fn from_policies<'p>(policies: impl IntoIterator<Item = &'p ServicePolicy>) -> Self {
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

    /// Whether no policy was counted.
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
