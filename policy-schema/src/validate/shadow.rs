//! Reports policies in shadow that cannot let every request pass in a default-deny mesh.
//!
//! Such a policy needs an object that allows everything at its workloads. If another policy decides
//! about some of them, that object would override it, and Istio has no selectors that exclude
//! workloads.

use super::documents_by_name::DocumentsByName;
use crate::code;
use crate::diagnostic::Diagnostic;
use crate::policy::{DefaultDenyException, PolicySet};
use crate::problem::Cursor;
use crate::rule_spec::Otherwise;

/// Reports policies in shadow that cannot let every request pass.
pub(super) fn check_across_policies(
    documents: &DocumentsByName<'_>,
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if set.mesh().otherwise() == Otherwise::Pass {
        return;
    }
    for (policy, default_deny_exceptions) in
        set.policies().iter().zip(set.default_deny_exceptions())
    {
        let DefaultDenyException::Contested(other) = default_deny_exceptions else {
            continue;
        };
        let Some(other) = set.policies().get(other) else {
            continue;
        };
        let Some(document) = documents.get(policy) else {
            continue;
        };
        document.report(
            diagnostics,
            code::UNENFORCEABLE_DEFAULT,
            &Cursor::Root.key("metadata").key("name"),
            format!(
                "this policy is in shadow and must let every request pass, but policy `{}` is enforced at some of its workloads, and the mesh default denies at the others",
                other.name()
            ),
            "set `defaults: {otherwise: Pass}` in the `Mesh` until this policy is enforced, or select other workloads",
        );
    }
}
