//! Mistakes that only show across documents, or between the rules of a policy.
//!
//! Every finding is a warning: the documents are valid, but probably not what was intended.

use super::found::Found;
use super::{
    covered, evadable_path, ineffective_pass, ports, unknown_callers, unknown_labels,
    unknown_providers, unknown_targets, wide_allow,
};
use crate::policy::PolicySet;

/// Checks the documents together.
pub(crate) fn lint_across_documents(set: &PolicySet) -> Found {
    let mut found = Found::default();
    let overlapping = set.overlapping_policies();
    unknown_callers::check(set, &mut found);
    unknown_labels::check(set, &mut found);
    unknown_providers::check(set, &mut found);
    unknown_targets::check(set, &mut found);
    ports::check(set, overlapping, &mut found);
    ineffective_pass::check(set, overlapping, &mut found);
    wide_allow::check(set, overlapping, &mut found);
    covered::check(set, overlapping, &mut found);
    evadable_path::check(set, &mut found);
    found
}
