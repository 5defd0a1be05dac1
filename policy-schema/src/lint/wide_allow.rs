//! Reports `Allow` rules for a whole namespace or mesh that open all of its workloads.

use super::Found;
use crate::code;
use crate::policy::{Attachment, PolicySet, ServicePolicy, covers_workloads_of};
use crate::problem::Cursor;
use crate::rule::{Rule, Test};
use crate::rule_spec::{Effect, Enforcement, Otherwise};

/// Reports rules that allow any request to several workloads whose own policies deny by default.
pub(super) fn check(set: &PolicySet, overlapping: &[Vec<usize>], found: &mut Found) {
    let rules = Cursor::Root;
    let rules = rules.key("spec");
    let rules = rules.key("rules");
    for (position, (policy, overlapping)) in set.policies().iter().zip(overlapping).enumerate() {
        let is_wide = matches!(
            policy.attachment,
            Attachment::Namespace | Attachment::Mesh(_)
        );
        if !is_wide || policy.enforcement == Enforcement::Shadow {
            continue;
        }
        let others = overlapping
            .iter()
            .filter_map(|other| set.policies().get(*other));
        let others = others.filter(|other| is_closed_workload(other));
        let opened: Vec<_> = others
            .filter(|other| covers_workloads_of(policy, other))
            .collect();
        let Some(first) = opened.first().filter(|_| opened.len() > 1) else {
            continue;
        };
        for (index, rule) in policy.rules.iter().enumerate() {
            if opens_everything(rule) {
                found.for_policy(position).report(
                    code::WIDE_ALLOW,
                    &rules.index(index).key("id"),
                    format!(
                        "rule `{}` allows any request to {} workloads that have their own policies, such as `{}`",
                        rule.id,
                        opened.len(),
                        first.name()
                    ),
                    "limit it with `to`, such as `paths: [/metrics]`, or move the rule to the policies that need it",
                );
            }
        }
    }
}

/// Whether the policy applies to one workload, and denies by default.
fn is_closed_workload(policy: &ServicePolicy) -> bool {
    matches!(policy.attachment, Attachment::Workload(_))
        && policy.enforcement == Enforcement::Enforce
        && policy.otherwise == Otherwise::Deny
}

/// Whether the rule lets its callers send any request.
fn opens_everything(rule: &Rule) -> bool {
    let mut conditions = rule.conditions.iter();
    rule.effect == Effect::Allow
        && rule.enforcement != Some(Enforcement::Shadow)
        && rule.operations.is_empty()
        && conditions.all(|condition| matches!(condition.test, Test::Caller(_)))
}
