//! Reports conflicting policies: with the same name, or for the same workload or target.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::placed::Placed;
use crate::code;
use crate::diagnostic::Diagnostic;
use crate::document::{ServicePolicyDocument, TargetRef};
use crate::policy::Selectors;
use crate::problem::Cursor;

type Policy<'t> = Placed<'t, ServicePolicyDocument>;
type Labels = BTreeMap<String, String>;
/// Policies of a namespace, in the order of the input.
type ByLabels<'p> = BTreeMap<&'p Labels, Vec<&'p Policy<'p>>>;

pub(super) fn check(policies: &[Policy<'_>], diagnostics: &mut Vec<Diagnostic>) {
    check_names(policies, diagnostics);
    check_targets(policies, diagnostics);
    let mut namespaces: BTreeMap<&str, ByLabels<'_>> = BTreeMap::new();
    for policy in policies {
        let selector = policy.document.spec.selector.as_ref();
        let Some(labels) = selector.map(|selector| &selector.match_labels) else {
            continue;
        };
        if !labels.is_empty() {
            let by_labels = namespaces.entry(&policy.document.metadata.namespace);
            by_labels
                .or_default()
                .entry(labels)
                .or_default()
                .push(policy);
        }
    }
    for by_labels in namespaces.values() {
        check_equal(by_labels, diagnostics);
        check_narrower(by_labels, diagnostics);
    }
}

fn check_names(policies: &[Policy<'_>], diagnostics: &mut Vec<Diagnostic>) {
    let mut first_by_name = HashMap::with_capacity(policies.len());
    for policy in policies {
        let metadata = &policy.document.metadata;
        let name = (&metadata.namespace, &metadata.name);
        let first = *first_by_name.entry(name).or_insert(policy);
        if !std::ptr::eq(first, policy) {
            policy.with_conflict(first).report(
                diagnostics,
                code::DUPLICATE_POLICY,
                &Cursor::Root.key("metadata").key("name"),
                format!(
                    "duplicate policy `{}/{}`",
                    metadata.namespace, metadata.name
                ),
                "use a unique name for each policy of a namespace",
            );
        }
    }
}

/// Reports policies with equal selectors, which apply to the same workload.
fn check_equal(by_labels: &ByLabels<'_>, diagnostics: &mut Vec<Diagnostic>) {
    for policies in by_labels.values() {
        let mut policies = policies.iter();
        let first = policies.next();
        for (policy, first) in policies.zip(first.into_iter().cycle()) {
            report_overlap(policy, first, diagnostics);
        }
    }
}

/// Reports policies whose selectors include each other. Of policies with equal labels, each is
/// reported together with the first.
fn check_narrower(by_labels: &ByLabels<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let selectors: Vec<_> = by_labels.keys().copied().collect();
    let index = Selectors::new(selectors.iter().copied().enumerate().collect());
    let mut meeting: BTreeMap<&Labels, BTreeMap<Vec<&String>, &Policy<'_>>> = BTreeMap::new();
    for narrow in by_labels.keys() {
        let wider = index.selecting(narrow).into_iter();
        let wider = wider.filter_map(|rank| selectors.get(rank).copied());
        for wide in wider.filter(|wide| wide.len() < narrow.len()) {
            let (earlier, later) = match wide.keys().cmp(narrow.keys()) {
                Ordering::Less => (wide, *narrow),
                Ordering::Equal | Ordering::Greater => (*narrow, wide),
            };
            let Some(first) = by_labels.get(earlier).and_then(|policies| policies.first()) else {
                continue;
            };
            let of_later = meeting.entry(later).or_default();
            let known = of_later.entry(earlier.keys().collect()).or_insert(first);
            if place_of(first) < place_of(known) {
                *known = first;
            }
        }
    }
    for (labels, firsts) in meeting {
        for policy in by_labels.get(labels).into_iter().flatten() {
            for first in firsts.values() {
                report_overlap(policy, first, diagnostics);
            }
        }
    }
}

/// The position of a document in the whole input.
fn place_of(policy: &Policy<'_>) -> (usize, usize) {
    (policy.source, policy.start())
}

fn report_overlap(policy: &Policy<'_>, first: &Policy<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let name = &first.document.metadata.name;
    policy.with_conflict(first).report(
        diagnostics,
        code::OVERLAPPING_SELECTORS,
        &Cursor::Root.key("spec").key("selector").key("matchLabels"),
        format!("policy `{name}` selects the same workload, so the rules of both apply"),
        "move the rules of a workload to one policy, so that readers see them together",
    );
}

/// Reports policies that share some targets but not all.
fn check_targets(policies: &[Policy<'_>], diagnostics: &mut Vec<Diagnostic>) {
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
                policy.with_conflict(first).report(
                    diagnostics,
                    code::OVERLAPPING_TARGETS,
                    &Cursor::Root.key("spec").key("targetRefs"),
                    format!(
                        "policy `{}` also targets `{}`, but its other targets differ",
                        first.document.metadata.name, target.2
                    ),
                    "use each target in one policy only, or the same targets in both",
                );
                break;
            }
        }
    }
}
