//! Reports policies with `otherwise: Pass` in a default-deny mesh.

use super::Found;
use crate::code;
use crate::policy::{
    Attachment, DefaultDenyException, PolicySet, ServicePolicy, covers_workloads_of,
};
use crate::problem::Cursor;
use crate::rule_spec::{Enforcement, Otherwise};

/// Reports policies that seem to pass requests that no rule matches, although the mesh denies them.
///
/// A policy that only denies has `otherwise: Pass` to leave the rest to other policies for its
/// workloads. So the field is correct next to a policy that denies by default, and for a namespace
/// or mesh.
pub(super) fn check(set: &PolicySet, overlapping: &[Vec<usize>], found: &mut Found) {
    if set.mesh().otherwise() == Otherwise::Pass {
        return;
    }
    let default_deny_exceptions = set.default_deny_exceptions();
    for (position, (policy, overlapping)) in set.policies().iter().zip(overlapping).enumerate() {
        let is_wide = matches!(
            policy.attachment,
            Attachment::Namespace | Attachment::Mesh(_)
        );
        if policy.otherwise != Otherwise::Pass || !is_enforced(policy) || is_wide {
            continue;
        }
        let overlapping = overlapping.iter().filter_map(|position| {
            let default_deny_exceptions = default_deny_exceptions.get(*position)?;
            Some((set.policies().get(*position)?, *default_deny_exceptions))
        });
        let decides =
            |other: &ServicePolicy| is_enforced(other) && other.otherwise == Otherwise::Deny;
        if overlapping.clone().any(|(other, _)| decides(other)) {
            continue;
        }
        // A policy in shadow needs an object that allows everything.
        let mut opening = overlapping.filter(|(_, default_deny_exceptions)| {
            *default_deny_exceptions == DefaultDenyException::Open
        });
        if opening
            .clone()
            .any(|(other, _)| covers_workloads_of(other, policy))
        {
            continue;
        }
        let but = match opening.next() {
            None => "",
            Some(_) => " unless a policy in shadow lets it pass",
        };
        found.for_policy(position).report(
            code::INEFFECTIVE_PASS,
            &Cursor::Root.key("spec").key("otherwise"),
            format!("`otherwise: Pass` defers to the mesh default, which is `Deny`, so every request is denied{but}"),
            "remove the field and add `Allow` rules, or set `defaults: {otherwise: Pass}` in the `Mesh`",
        );
    }
}

fn is_enforced(policy: &ServicePolicy) -> bool {
    policy.enforcement == Enforcement::Enforce
}
