//! Leaves out policies that depend on something that cannot be imported.
//!
//! Policies of one workload belong together: half of them could allow or deny more than all of
//! them.

use super::attachment::{Attachment, Unread};
use super::policy::Group;
use super::{Finding, Outcome};

/// Empties each group that may share workloads with something that is left out: with `unread`
/// objects, with groups without a policy, and with groups that are emptied here.
pub(super) fn leave_out_together(
    groups: &mut [Group],
    unread: &[Unread],
    root_namespace: &str,
    findings: &mut Vec<Finding>,
) {
    let empty = groups.iter().filter(|group| group.policy.is_none());
    let mut lost: Vec<Attachment> = empty.map(|group| group.attachment.clone()).collect();
    lost.extend(unread.iter().map(|unread| unread.attachment.clone()));
    while let Some(lost_one) = lost.pop() {
        for group in groups.iter_mut() {
            if group.policy.is_none() || !group.attachment.may_overlap(&lost_one, root_namespace) {
                continue;
            }
            leave_out(
                group,
                "may select the same workloads as something that cannot be imported, and their policies belong together",
                findings,
            );
            lost.push(group.attachment.clone());
        }
    }
}

/// Empties all groups, because an unreadable object may apply to any workload.
pub(super) fn leave_out_all(groups: &mut [Group], findings: &mut Vec<Finding>) {
    for group in groups {
        leave_out(
            group,
            "may select the same workloads as a policy that cannot be read",
            findings,
        );
    }
}

fn leave_out(group: &mut Group, why: &str, findings: &mut Vec<Finding>) {
    let policy = group.policy.take();
    let origins = policy.into_iter().flat_map(|policy| policy.origins);
    findings.extend(origins.map(|origin| Finding {
        place: origin.place,
        outcome: Outcome::LeftOut,
        message: format!("`{}` {why}", origin.object),
    }));
}
