//! Policies that meet: two of the same name, or two for the same workload or target.
//!
//! Selectors are compared by the labels they name, in one pass for each pair of label sets: ten
//! thousand policies that all select by `app` are one look-up each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::documents::Placed;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::{ServicePolicyDocument, TargetRef};
use crate::problem::Cursor;

type Policy = Placed<ServicePolicyDocument>;
type Labels = BTreeMap<String, String>;
type Selecting<'p> = (&'p Policy, &'p Labels);

pub(super) fn check(policies: &[Policy], diagnostics: &mut Vec<Diagnostic>) {
    check_names(policies, diagnostics);
    check_targets(policies, diagnostics);
    let mut namespaces: BTreeMap<&str, BTreeMap<Vec<&str>, Vec<Selecting<'_>>>> = BTreeMap::new();
    for policy in policies {
        let Some(selector) = &policy.document.spec.selector else {
            continue;
        };
        let labels = &selector.match_labels;
        let keys = labels.keys().map(String::as_str).collect();
        namespaces
            .entry(&policy.document.metadata.namespace)
            .or_default()
            .entry(keys)
            .or_default()
            .push((policy, labels));
    }
    for by_keys in namespaces.values() {
        for (keys, policies) in by_keys {
            check_equal(policies, diagnostics);
            for (other_keys, others) in by_keys.range(keys.clone()..).skip(1) {
                check_pair((keys, policies), (other_keys, others), diagnostics);
            }
        }
    }
}

fn check_names(policies: &[Policy], diagnostics: &mut Vec<Diagnostic>) {
    let mut first_by_name = HashMap::with_capacity(policies.len());
    for policy in policies {
        let metadata = &policy.document.metadata;
        let name = (&metadata.namespace, &metadata.name);
        let first = *first_by_name.entry(name).or_insert(policy);
        if !std::ptr::eq(first, policy) {
            policy.report_beside(
                first,
                diagnostics,
                Code::DuplicatePolicy,
                &Cursor::Root.key("metadata").key("name"),
                format!(
                    "there is a policy `{}/{}` already",
                    metadata.namespace, metadata.name
                ),
                "give each policy of a namespace its own name",
            );
        }
    }
}

/// Policies that name the same labels: the same values are the same workload.
fn check_equal(policies: &[Selecting<'_>], diagnostics: &mut Vec<Diagnostic>) {
    let mut first_by_labels: HashMap<&Labels, &Policy> = HashMap::new();
    for &(policy, labels) in policies.iter().filter(|(_, labels)| !labels.is_empty()) {
        match first_by_labels.get(labels) {
            Some(first) => report_overlap(policy, first, diagnostics),
            None => {
                first_by_labels.insert(labels, policy);
            }
        }
    }
}

/// Policies that name different labels: they select the same workload if one names all that the
/// other does, with the same values.
fn check_pair(
    (keys, policies): (&[&str], &[Selecting<'_>]),
    (other_keys, others): (&[&str], &[Selecting<'_>]),
    diagnostics: &mut Vec<Diagnostic>,
) {
    let common: Vec<_> = keys
        .iter()
        .copied()
        .filter(|key| other_keys.contains(key))
        .collect();
    if common.is_empty() || common.len() < keys.len().min(other_keys.len()) {
        return;
    }
    let common_values = |labels: &Labels| -> Vec<Option<String>> {
        let value = |key: &&str| labels.get(*key).cloned();
        common.iter().map(value).collect()
    };
    let mut first_by_values = HashMap::new();
    for &(policy, labels) in policies {
        first_by_values
            .entry(common_values(labels))
            .or_insert(policy);
    }
    for &(other, labels) in others {
        if let Some(first) = first_by_values.get(&common_values(labels)) {
            report_overlap(other, first, diagnostics);
        }
    }
}

fn report_overlap(policy: &Policy, first: &Policy, diagnostics: &mut Vec<Diagnostic>) {
    let name = &first.document.metadata.name;
    policy.report_beside(
        first,
        diagnostics,
        Code::OverlappingSelectors,
        &Cursor::Root.key("spec").key("selector").key("matchLabels"),
        format!("policy `{name}` selects the same workload, and the rules of both add up"),
        "put the rules of one workload into one policy, so that a reader sees all of them",
    );
}

/// Policies that share a target must share all.
fn check_targets(policies: &[Policy], diagnostics: &mut Vec<Diagnostic>) {
    let mut first_by_target = HashMap::new();
    for policy in policies {
        let targets: BTreeSet<_> = policy
            .document
            .spec
            .target_refs
            .iter()
            .flatten()
            .map(|TargetRef { group, kind, name }| (group, kind, name))
            .collect();
        let namespace = &policy.document.metadata.namespace;
        for target in &targets {
            let (first, all) = first_by_target
                .entry((namespace, *target))
                .or_insert_with(|| (policy, targets.clone()));
            if *all != targets {
                policy.report_beside(
                    first,
                    diagnostics,
                    Code::OverlappingTargets,
                    &Cursor::Root.key("spec").key("targetRefs"),
                    format!(
                        "policy `{}` is for `{}` too, and for other targets than this one",
                        first.document.metadata.name, target.2
                    ),
                    "give each target to one policy, or name the same targets in both",
                );
                break;
            }
        }
    }
}
