//! Policies with `otherwise: Pass` in a mesh that denies what no policy allows.

use super::Found;
use crate::code::Code;
use crate::policy::{Attachment, PolicySet, ServicePolicy};
use crate::problem::Cursor;
use crate::rule_spec::{Enforcement, Otherwise};

/// Reports policies that seem to let pass what no rule matches, where the mesh denies it.
///
/// A policy that only denies has `otherwise: Pass` to leave the rest to other policies for its workloads. So the
/// field is right beside a policy that denies what it does not allow, and for a namespace or mesh.
pub(super) fn check(set: &PolicySet, together: &[Vec<usize>], found: &mut Found) {
    if set.mesh().otherwise() == Otherwise::Pass {
        return;
    }
    for (position, (policy, together)) in set.policies().iter().zip(together).enumerate() {
        let is_wide = matches!(
            policy.attachment,
            Attachment::Namespace | Attachment::Mesh(_)
        );
        if policy.otherwise != Otherwise::Pass || !is_enforced(policy) || is_wide {
            continue;
        }
        let together = together.iter();
        let together = together.filter_map(|position| set.policies().get(*position));
        let mut enforced = together.filter(|policy| is_enforced(policy));
        if enforced.any(|policy| policy.otherwise == Otherwise::Deny) {
            continue;
        }
        found.of(position).report(
            Code::IneffectivePass,
            &Cursor::Root.key("spec").key("otherwise"),
            "`otherwise: Pass` leaves the decision to the mesh, whose default is `Deny`, so every request is denied",
            "remove the field and add `Allow` rules, or write `defaults: {otherwise: Pass}` in the `Mesh`",
        );
    }
}

fn is_enforced(policy: &ServicePolicy) -> bool {
    policy.enforcement == Enforcement::Enforce
}
