//! Which kinds of objects were looked at: only of those is an object missing that was not seen.

use std::collections::BTreeSet;

use super::managed::is_managed;
use super::object::Object;

/// A kind of object: its API group, and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// The group; empty for the core of Kubernetes.
    pub group: String,
    /// The name, such as `EnvoyFilter`.
    pub name: String,
}

/// What the objects that were seen are all of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// All that a cluster has, except of the kinds that could not be listed.
    Cluster {
        /// These kinds.
        unlisted: BTreeSet<Kind>,
    },
    /// Manifests.
    #[default]
    Given,
}

/// The kinds that were looked at.
#[derive(Debug)]
pub(super) enum LookedAt {
    All,
    AllBut(BTreeSet<Kind>),
    Only(BTreeSet<Kind>),
}

impl Kind {
    pub(super) fn new(group: &str, name: &str) -> Self {
        Self {
            group: group.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl LookedAt {
    pub(super) fn new(extent: &Extent, objects: &[Object]) -> Self {
        match extent {
            Extent::Cluster { unlisted } => Self::AllBut(unlisted.clone()),
            Extent::Given if is_excerpt(objects) => Self::Only(
                objects
                    .iter()
                    .map(|object| Kind::new(&object.id().group, object.kind()))
                    .collect(),
            ),
            Extent::Given => Self::All,
        }
    }

    pub(super) fn has(&self, group: &str, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(kinds) => !kinds.contains(&Kind::new(group, name)),
            Self::Only(kinds) => kinds.contains(&Kind::new(group, name)),
        }
    }
}

/// Whether the objects are what somebody read from a cluster, which may be some kinds of many: a list
/// does not say which kinds were asked for. Manifests to be applied are whole.
fn is_excerpt(objects: &[Object]) -> bool {
    let is_stored = |object: &Object| object.at("/metadata/uid").is_some();
    objects.iter().any(is_stored)
        && !objects
            .iter()
            .any(|object| is_managed(object) && !is_stored(object))
}
