//! Policies whose filter would enforce too many others.

use super::documents::DocumentsByName;
use crate::code;
use crate::diagnostic::Diagnostic;
use crate::policy::{MAX_FOLLOWERS, PolicySet, TooManyFollowers};
use crate::problem::Cursor;

/// Reports the first such policy of each namespace. Nothing else is known of the policies together then.
pub(super) fn report(
    found: &TooManyFollowers,
    documents: &DocumentsByName<'_>,
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let policies = found
        .0
        .iter()
        .filter_map(|leading| set.policies().get(*leading));
    for document in policies.filter_map(|policy| documents.get(policy)) {
        document.report(
            diagnostics,
            code::TOO_MANY_POLICIES,
            &Cursor::Root.key("metadata").key("name"),
            format!("more than {MAX_FOLLOWERS} other policies may select the same workloads as this one"),
            "merge the policies of a workload, or add a label to their selectors that sets them apart",
        );
    }
}
