//! Mistakes that only show across documents, or between the rules of a policy.
//!
//! Every finding is a warning: the documents can be carried out as they are, but hardly mean it.

use std::collections::BTreeMap;

use super::{
    covered, evadable_path, pass, ports, unknown_callers, unknown_labels, unknown_targets, wide,
};
use crate::policy::PolicySet;
use crate::problem::Problems;

/// Problems of policies, by their positions in the set.
#[derive(Debug, Default)]
pub(super) struct Found(BTreeMap<usize, Problems>);

impl Found {
    /// The problems of the policy at a position of the set.
    pub(super) fn of(&mut self, position: usize) -> &mut Problems {
        self.0.entry(position).or_default()
    }
}

/// The problems of policies by their positions in the set, where there are any.
pub(crate) fn lint_together(set: &PolicySet) -> impl Iterator<Item = (usize, Problems)> {
    let mut found = Found::default();
    let together = set.policies_together();
    unknown_callers::check(set, &mut found);
    unknown_labels::check(set, &mut found);
    unknown_targets::check(set, &mut found);
    ports::check(set, &together, &mut found);
    pass::check(set, &together, &mut found);
    wide::check(set, &together, &mut found);
    covered::check(set, &together, &mut found);
    evadable_path::check(set, &mut found);
    let found = found.0.into_iter();
    found.filter(|(_, problems)| problems.count() > 0)
}
