//! Policies that select the same workload.
//!
//! Each policy denies what it does not allow, so two of them on one workload would each deny what
//! the other allows. Policies are compared by the labels they name, in one pass for each pair of
//! label sets: ten thousand policies that all select by `app` are one look-up each.

use std::collections::{BTreeMap, HashMap};

use super::documents::Placed;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::document::ServicePolicyDocument;
use crate::problem::Cursor;

type Policy = Placed<ServicePolicyDocument>;
type Labels = BTreeMap<String, String>;

pub(super) fn check(policies: &[Policy], diagnostics: &mut Vec<Diagnostic>) {
    check_names(policies, diagnostics);
    let mut namespaces: BTreeMap<&str, BTreeMap<Vec<&str>, Vec<&Policy>>> = BTreeMap::new();
    for policy in policies {
        let keys = labels(policy).keys().map(String::as_str).collect();
        namespaces
            .entry(&policy.document.metadata.namespace)
            .or_default()
            .entry(keys)
            .or_default()
            .push(policy);
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

fn labels(policy: &Policy) -> &Labels {
    &policy.document.spec.selector.match_labels
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
fn check_equal(policies: &[&Policy], diagnostics: &mut Vec<Diagnostic>) {
    let mut first_by_labels: HashMap<&Labels, &Policy> = HashMap::new();
    for policy in policies.iter().filter(|policy| !labels(policy).is_empty()) {
        match first_by_labels.get(labels(policy)) {
            Some(first) => report(policy, first, Code::OverlappingSelectors, diagnostics),
            None => {
                first_by_labels.insert(labels(policy), *policy);
            }
        }
    }
}

/// Policies that name different labels: they can select the same workload unless a label that
/// both name sets them apart, and do if one names all that the other does.
fn check_pair(
    (keys, policies): (&[&str], &[&Policy]),
    (other_keys, others): (&[&str], &[&Policy]),
    diagnostics: &mut Vec<Diagnostic>,
) {
    let common: Vec<_> = keys
        .iter()
        .copied()
        .filter(|key| other_keys.contains(key))
        .collect();
    let code = if common.len() == keys.len().min(other_keys.len()) {
        Code::OverlappingSelectors
    } else {
        Code::PossibleOverlap
    };
    let common_values = |policy: &Policy| -> Vec<Option<String>> {
        let value = |key: &&str| labels(policy).get(*key).cloned();
        common.iter().map(value).collect()
    };
    let mut first_by_values = HashMap::new();
    for policy in policies {
        first_by_values
            .entry(common_values(policy))
            .or_insert(*policy);
    }
    for other in others {
        if let Some(first) = first_by_values.get(&common_values(other)) {
            report(other, first, code, diagnostics);
        }
    }
}

fn report(policy: &Policy, first: &Policy, code: Code, diagnostics: &mut Vec<Diagnostic>) {
    let name = &first.document.metadata.name;
    let (message, help) = match code {
        Code::PossibleOverlap => (
            format!("policy `{name}` may select the same workload"),
            "select by the same label in both, so that it is plain which workload each is for",
        ),
        _ => (
            format!("policy `{name}` selects the same workload"),
            "put the rules of one workload into one policy: each denies what it does not allow",
        ),
    };
    policy.report_beside(
        first,
        diagnostics,
        code,
        &Cursor::Root.key("spec").key("selector").key("matchLabels"),
        message,
        help,
    );
}
