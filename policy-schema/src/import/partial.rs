//! What is left out with something that cannot be carried over.
//!
//! Policies of one workload belong together: half of them could allow more, or deny more, than all of them.

use super::attachment::Attachment;
use super::policy::Group;
use super::{Finding, Outcome};

/// Empties each group that may be for workloads of something that is left out: what `unread` objects are for,
/// groups without a policy, and those that are emptied here.
pub(super) fn leave_out_together(
    groups: &mut [Group],
    unread: &[Attachment],
    root_namespace: &str,
    findings: &mut Vec<Finding>,
) {
    let empty = groups.iter().filter(|group| group.policy.is_none());
    let mut lost: Vec<Attachment> = empty.map(|group| group.attachment.clone()).collect();
    lost.extend_from_slice(unread);
    while let Some(lost_one) = lost.pop() {
        for group in groups.iter_mut() {
            if group.policy.is_none() || !group.attachment.may_meet(&lost_one, root_namespace) {
                continue;
            }
            let Some(policy) = group.policy.take() else {
                continue;
            };
            findings.extend(policy.origins.into_iter().map(|origin| Finding {
                place: origin.place,
                outcome: Outcome::LeftOut,
                message: format!(
                    "`{}` may be for workloads of something that cannot be carried over, and their policies belong together",
                    origin.object
                ),
            }));
            lost.push(group.attachment.clone());
        }
    }
}
