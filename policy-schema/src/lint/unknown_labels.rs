//! Reports selectors with a label that is probably misspelled.
//!
//! A policy declares the workload that it selects, so a label that no other document has is no
//! mistake. It is a mistake if it misspells the key that all other policies select by, the policy's
//! own name for the workload, or a value that other documents confirm.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Found;
use super::misspelling::Names;
use crate::code;
use crate::policy::{Attachment, Labels, PolicySet, ServicePolicy};
use crate::problem::{Cursor, Problems};

/// Labels that name a workload.
const NAME_LABELS: [&str; 3] = ["app", "app.kubernetes.io/name", "k8s-app"];

/// The minimum number of policies that select by a key for it to be compared with.
const MIN_POLICIES_WITH_KEY: usize = 2;

/// The values of labels in selectors, by namespace and key.
struct Values<'s> {
    /// The number of policies that select by each value.
    policies: HashMap<(&'s str, &'s str, &'s str), usize>,
    /// Values that more than one policy selects by, that a policy also uses as the workload's name,
    /// and those of gateways.
    confirmed: HashMap<(&'s str, &'s str), BTreeSet<&'s str>>,
    index: HashMap<(&'s str, &'s str), Names<'s>>,
    /// The confirmed values of all namespaces, by key.
    everywhere: HashMap<&'s str, Names<'s>>,
}

impl<'s> Values<'s> {
    fn new(set: &'s PolicySet) -> Self {
        let mut policies: HashMap<_, usize> = HashMap::new();
        let mut confirmed: HashMap<_, BTreeSet<&str>> = HashMap::new();
        for policy in set.policies() {
            let namespace = policy.name.namespace.as_str();
            let names = names_of(policy);
            for (key, value) in policy.selected_labels().into_iter().flatten() {
                let count = policies.entry((namespace, &**key, &**value)).or_default();
                *count += 1;
                if *count > 1 || names.contains(&value.as_str()) {
                    confirmed
                        .entry((namespace, &**key))
                        .or_default()
                        .insert(&**value);
                }
            }
        }
        for gateway in set.mesh().gateways.iter() {
            for (key, value) in &gateway.labels {
                let place = (gateway.namespace.as_str(), &**key);
                confirmed.entry(place).or_default().insert(value);
            }
        }
        let mut everywhere: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
        for ((_, key), values) in &confirmed {
            everywhere.entry(*key).or_default().extend(values);
        }
        let named = confirmed.iter();
        Self {
            index: named
                .map(|(place, values)| (*place, Names::new(values.iter().copied())))
                .collect(),
            everywhere: everywhere
                .into_iter()
                .map(|(key, values)| (key, Names::new(values)))
                .collect(),
            policies,
            confirmed,
        }
    }

    fn is_confirmed(&self, namespace: &str, key: &str, value: &str) -> bool {
        let values = self.confirmed.get(&(namespace, key));
        values.is_some_and(|values| values.contains(value))
    }

    /// Whether other policies select by the value.
    fn is_shared(&self, namespace: &str, key: &str, value: &str) -> bool {
        let count = self.policies.get(&(namespace, key, value));
        count.is_some_and(|count| *count > 1)
    }

    /// The confirmed value that an unconfirmed one probably misspells.
    fn closest(&self, policy: &ServicePolicy, key: &str, value: &str) -> Option<&'s str> {
        let namespace = policy.name.namespace.as_str();
        if self.is_confirmed(namespace, key, value) {
            return None;
        }
        match policy.attachment {
            Attachment::Mesh(_) => self.everywhere.get(key)?.closest(value),
            _ => self.index.get(&(namespace, key))?.closest(value),
        }
    }

    /// The value in policies that an unknown one of the namespace probably misspells.
    fn closest_in(&self, namespace: &str, key: &str, value: &str) -> Option<&'s str> {
        if self.policies.contains_key(&(namespace, key, value)) {
            return None;
        }
        self.index.get(&(namespace, key))?.closest(value)
    }
}

/// The names that a policy uses for its workload.
fn names_of(policy: &ServicePolicy) -> Vec<&str> {
    let service = policy.service.as_ref().map(|service| service.name.as_str());
    let account = policy.service_account.as_deref();
    let names = [Some(policy.name.name.as_str()), service, account];
    names.into_iter().flatten().collect()
}

/// Reports labels that are probably misspelled.
pub(super) fn check(set: &PolicySet, found: &mut Found) {
    let mut policies_with: HashMap<&str, usize> = HashMap::new();
    for policy in set.policies() {
        for key in policy.selected_labels().into_iter().flat_map(Labels::keys) {
            *policies_with.entry(key).or_default() += 1;
        }
    }
    let usual = policies_with.iter();
    let usual = usual.filter(|(_, count)| **count >= MIN_POLICIES_WITH_KEY);
    let mut usual: Vec<_> = usual.map(|(key, _)| *key).collect();
    usual.sort_unstable();
    let usual = Names::new(usual);
    let values = Values::new(set);
    check_exceptions(set, &values, &mut found.mesh);
    let spec = Cursor::Root;
    let spec = spec.key("spec");
    let cursor = spec.key("selector");
    let cursor = cursor.key("matchLabels");
    for (position, policy) in set.policies().iter().enumerate() {
        let Some(labels) = policy.selected_labels() else {
            continue;
        };
        let problems = found.for_policy(position);
        check_subsets(policy, &spec, problems);
        for (key, value) in labels {
            let meant = (policies_with.get(key.as_str()) == Some(&1))
                .then(|| usual.closest_label(key))
                .flatten();
            match meant {
                Some(meant) if !labels.contains_key(meant) => problems.report(
                    code::UNKNOWN_LABEL,
                    &cursor.key(key),
                    format!("no other policy selects by label `{key}`, but others do by `{meant}`"),
                    format!("did you mean `{meant}: {value}`?"),
                ),
                _ => check_value(policy, key, value, &values, &cursor, problems),
            }
        }
    }
}

/// Reports the name of a workload that differs from the policy's own name for it.
fn check_value(
    policy: &ServicePolicy,
    key: &str,
    value: &str,
    values: &Values<'_>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    if let Some(meant) = values.closest(policy, key, value) {
        report(key, value, meant, cursor, problems);
        return;
    }
    if !NAME_LABELS.contains(&key) || !matches!(policy.attachment, Attachment::Workload(_)) {
        return;
    }
    let names = names_of(policy);
    if names.contains(&value) || values.is_shared(&policy.name.namespace, key, value) {
        return;
    }
    // Words are often joined in one place and separated in another.
    let joined = |name: &str| name.replace('-', "");
    let meant = Names::new(names).closest(value);
    if let Some(meant) = meant.filter(|meant| joined(meant) != joined(value)) {
        problems.report(
            code::UNKNOWN_LABEL,
            &cursor.key(key),
            format!(
                "the policy selects `{key}: {value}`, but calls the workload `{meant}` elsewhere"
            ),
            format!("did you mean `{key}: {meant}`?"),
        );
    }
}

fn report(key: &str, value: &str, meant: &str, cursor: &Cursor<'_>, problems: &mut Problems) {
    problems.report(
        code::UNKNOWN_LABEL,
        &cursor.key(key),
        format!("nothing else selects `{key}: {value}`, but other documents have `{key}: {meant}`"),
        format!("did you mean `{key}: {meant}`?"),
    );
}

/// Reports labels of subsets that no pod of the workload has.
fn check_subsets(policy: &ServicePolicy, spec: &Cursor<'_>, problems: &mut Problems) {
    let (Attachment::Workload(labels), Some(service)) = (&policy.attachment, &policy.service)
    else {
        return;
    };
    let service_cursor = spec.key("service");
    let subsets = service_cursor.key("subsets");
    for (index, subset) in service.subsets.iter().enumerate() {
        let cursor = subsets.index(index);
        let cursor = cursor.key("selector");
        let cursor = cursor.key("matchLabels");
        for (key, value) in &subset.labels {
            let own = labels.get(key).filter(|own| *own != value);
            if let Some(own) = own {
                problems.report(
                    code::UNKNOWN_LABEL,
                    &cursor.key(key),
                    format!("no pod of the workload has `{key}: {value}`: the policy selects `{key}: {own}`"),
                    format!("write `{key}: {own}`, or remove the label"),
                );
            }
        }
    }
}

/// Reports labels in exceptions from mutual TLS that no policy selects by.
fn check_exceptions(set: &PolicySet, values: &Values<'_>, problems: &mut Problems) {
    let spec = Cursor::Root;
    let spec = spec.key("spec");
    let mtls = spec.key("mtls");
    let exceptions = mtls.key("exceptions");
    for exception in &set.mesh().mtls.exceptions {
        let cursor = exceptions.index(exception.position);
        let cursor = cursor.key("selector");
        let cursor = cursor.key("matchLabels");
        for (key, value) in exception.labels.iter().flatten() {
            if let Some(meant) = values.closest_in(&exception.namespace, key, value) {
                report(key, value, meant, &cursor, problems);
            }
        }
    }
}
