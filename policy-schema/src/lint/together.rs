//! Mistakes that only show across documents, or between the rules of a policy.
//!
//! Every finding is a warning: the documents are valid, but probably not what was intended.

use super::found::Found;
use super::{
    covered, evadable_path, pass, ports, unknown_callers, unknown_labels, unknown_providers,
    unknown_targets, wide,
};
use crate::policy::PolicySet;

/// Checks the documents together.
pub(crate) fn lint_together(set: &PolicySet) -> Found {
    let mut found = Found::default();
    let together = set.policies_together();
    unknown_callers::check(set, &mut found);
    unknown_labels::check(set, &mut found);
    unknown_providers::check(set, &mut found);
    unknown_targets::check(set, &mut found);
    ports::check(set, together, &mut found);
    pass::check(set, together, &mut found);
    wide::check(set, together, &mut found);
    covered::check(set, together, &mut found);
    evadable_path::check(set, &mut found);
    found
}
