//! Selectors with a label that is probably misspelt.
//!
//! A policy declares the workload that it selects, so a label that no other document has is no mistake. It is one if
//! it differs by a typing mistake from the key that all other policies select by, or from what the policy itself
//! calls the workload.

use std::collections::HashMap;

use super::Found;
use super::near::Names;
use crate::code::Code;
use crate::policy::{Attachment, Labels, PolicySet, ServicePolicy};
use crate::problem::{Cursor, Problems};

/// Labels that name a workload.
const NAME_LABELS: [&str; 3] = ["app", "app.kubernetes.io/name", "k8s-app"];

/// How many policies select by a key that others are compared with.
const FEWEST_WITH_KEY: usize = 2;

/// Reports labels that are probably misspelt.
pub(super) fn check(set: &PolicySet, found: &mut Found) {
    let mut policies_with: HashMap<&str, usize> = HashMap::new();
    for policy in set.policies() {
        for key in policy.selected_labels().into_iter().flat_map(Labels::keys) {
            *policies_with.entry(key).or_default() += 1;
        }
    }
    let usual = policies_with.iter();
    let usual = usual.filter(|(_, count)| **count >= FEWEST_WITH_KEY);
    let mut usual: Vec<_> = usual.map(|(key, _)| *key).collect();
    usual.sort_unstable();
    let usual = Names::of(usual);
    let cursor = Cursor::Root;
    let cursor = cursor.key("spec");
    let cursor = cursor.key("selector");
    let cursor = cursor.key("matchLabels");
    for (position, policy) in set.policies().iter().enumerate() {
        let Some(labels) = policy.selected_labels() else {
            continue;
        };
        let problems = found.of(position);
        for (key, value) in labels {
            let meant = (policies_with.get(key.as_str()) == Some(&1))
                .then(|| usual.closest_label(key))
                .flatten();
            match meant {
                Some(meant) if !labels.contains_key(meant) => problems.report(
                    Code::UnknownLabel,
                    &cursor.key(key),
                    format!(
                        "no other policy selects by the label `{key}`, and others do by `{meant}`"
                    ),
                    format!("did you mean `{meant}: {value}`?"),
                ),
                _ => check_value(policy, key, value, &cursor, problems),
            }
        }
    }
}

/// The name of a workload that differs from what its policy calls it.
fn check_value(
    policy: &ServicePolicy,
    key: &str,
    value: &str,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    if !NAME_LABELS.contains(&key) || !matches!(policy.attachment, Attachment::Workload(_)) {
        return;
    }
    let service = policy.service.as_ref().map(|service| service.name.as_str());
    let account = policy.service_account.as_deref();
    let names = [Some(policy.name.name.as_str()), service, account];
    let names: Vec<_> = names.into_iter().flatten().collect();
    if names.contains(&value) {
        return;
    }
    // Words are often written together in one place and apart in another.
    let joined = |name: &str| name.replace('-', "");
    let meant = Names::of(names).closest(value);
    if let Some(meant) = meant.filter(|meant| joined(meant) != joined(value)) {
        problems.report(
            Code::UnknownLabel,
            &cursor.key(key),
            format!(
                "the policy selects `{key}: {value}`, and calls the workload `{meant}` elsewhere"
            ),
            format!("did you mean `{key}: {meant}`?"),
        );
    }
}
