//! Reports policies with too many followers.

use super::documents_by_name::DocumentsByName;
use crate::code;
use crate::diagnostic::Diagnostic;
use crate::policy::{MAX_FOLLOWERS, TooManyFollowers};
use crate::problem::Cursor;

/// Reports the first such policy of each namespace. Policies are then not checked together.
pub(super) fn report(
    found: &TooManyFollowers,
    documents: &DocumentsByName<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let TooManyFollowers(names) = found;
    for document in names.iter().filter_map(|name| documents.named(name)) {
        document.report(
            diagnostics,
            code::TOO_MANY_POLICIES,
            &Cursor::Root.key("metadata").key("name"),
            format!("more than {MAX_FOLLOWERS} other policies may select the same workloads as this one"),
            "merge the policies of a workload, or add a label to their selectors that distinguishes them",
        );
    }
}
