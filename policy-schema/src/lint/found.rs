//! Collects the findings.

use std::collections::BTreeMap;

use crate::problem::Problems;

/// Problems of policies, by their positions in the set, and of the mesh.
#[derive(Debug, Default)]
pub(crate) struct Found {
    policies: BTreeMap<usize, Problems>,
    pub(crate) mesh: Problems,
}

impl Found {
    /// The problems of the policy at a position of the set.
    pub(super) fn for_policy(&mut self, position: usize) -> &mut Problems {
        self.policies.entry(position).or_default()
    }

    /// The problems of policies, each with the policy's position in the set.
    pub(crate) fn into_policies(self) -> impl Iterator<Item = (usize, Problems)> {
        let found = self.policies.into_iter();
        found.filter(|(_, problems)| problems.count() > 0)
    }
}
