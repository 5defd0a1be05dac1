//! Which kinds of objects were read. An object can only be missing if its kind was read.

use std::collections::BTreeSet;

use super::managed::is_managed;
use super::object::Object;

/// A kind of object: its API group and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// The group. Empty for the core group.
    pub group: String,
    /// The name, such as `EnvoyFilter`.
    pub name: String,
}

/// The source of the observed objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// A whole cluster, except for kinds that could not be listed.
    Cluster {
        /// The kinds that could not be listed.
        unlisted: BTreeSet<Kind>,
    },
    /// Manifests.
    #[default]
    Given,
}

/// The kinds that were read.
#[derive(Debug)]
pub(super) enum KindsRead {
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

impl KindsRead {
    pub(super) fn new(extent: &Extent, objects: &[Object]) -> Self {
        match extent {
            Extent::Cluster { unlisted } => Self::AllBut(unlisted.clone()),
            Extent::Given if is_partial_export(objects) => Self::Only(
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

/// Whether the objects were exported from a cluster, which may be only some of its kinds: a list
/// does not show which kinds were requested. Manifests that are to be applied are complete.
fn is_partial_export(objects: &[Object]) -> bool {
    let is_stored = |object: &Object| object.at("/metadata/uid").is_some();
    objects.iter().any(is_stored)
        && !objects
            .iter()
            .any(|object| is_managed(object) && !is_stored(object))
}
