//! Policies that are for the same workload: which of their filters enforces the others along.
//!
//! A request is decided once, by the filter of the policy that is closest to the workload: one
//! that selects it, then one for its namespace, then one for the mesh; among selectors the one with
//! more labels, then the first by name. Policies for gateways and waypoints meet only where they
//! name the same targets.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::{Along, Attachment, Labels, PolicySet, ServicePolicy, are_compatible};

impl PolicySet {
    /// Finds, for each policy, those that its filter enforces along.
    pub(crate) fn find_along(&mut self) {
        let policies = &self.policies;
        let mut found: Vec<Vec<Along>> = vec![Vec::new(); policies.len()];
        for_each_pair(policies, |a, b| {
            let (Some(policy), Some(other)) = (policies.get(a), policies.get(b)) else {
                return;
            };
            let (leading, following, position) = if order(policy) <= order(other) {
                (a, other, b)
            } else {
                (b, policy, a)
            };
            if let (Some(along), Some(leader)) = (found.get_mut(leading), policies.get(leading)) {
                along.push(Along {
                    policy: position,
                    match_labels: labels_beyond(leader, following),
                });
            }
        });
        let mut in_order: Vec<usize> = (0..policies.len()).collect();
        in_order.sort_by_cached_key(|&position| policies.get(position).map(order));
        let mut ranks = vec![0_u16; policies.len()];
        for leading in in_order {
            let Some(along) = found.get_mut(leading) else {
                continue;
            };
            along.sort_by_cached_key(|along| policies.get(along.policy).map(order));
            let next = ranks.get(leading).map_or(0, |rank| rank.saturating_add(1));
            for along in along {
                if let Some(rank) = ranks.get_mut(along.policy) {
                    *rank = next.max(*rank);
                }
            }
        }
        for (policy, (along, rank)) in self.policies.iter_mut().zip(found.into_iter().zip(ranks)) {
            policy.along = along;
            policy.rank = rank;
        }
    }
}

/// Who leads: the least.
fn order(policy: &ServicePolicy) -> (u8, Reverse<usize>, String, String) {
    let (distance, labels) = match &policy.attachment {
        Attachment::Workload(labels) => (0, labels.len()),
        Attachment::Namespace => (1, 0),
        Attachment::Mesh(labels) => (2, labels.len()),
        Attachment::Targets(_) => (3, 0),
    };
    let (namespace, name) = policy.name.as_pair();
    (
        distance,
        Reverse(labels),
        namespace.to_owned(),
        name.to_owned(),
    )
}

/// The labels that a workload of `leading` must have to be one of `following`.
fn labels_beyond(leading: &ServicePolicy, following: &ServicePolicy) -> Labels {
    let none = Labels::new();
    let known = labels(leading).unwrap_or(&none);
    let mut labels = labels(following).unwrap_or(&none).clone();
    labels.retain(|key, _| !known.contains_key(key));
    labels
}

fn labels(policy: &ServicePolicy) -> Option<&Labels> {
    match &policy.attachment {
        Attachment::Workload(labels) | Attachment::Mesh(labels) => Some(labels),
        Attachment::Namespace | Attachment::Targets(_) => None,
    }
}

/// Calls `found` once for each two policies that may be for the same workload.
fn for_each_pair(policies: &[ServicePolicy], mut found: impl FnMut(usize, usize)) {
    let mut workloads: BTreeMap<&str, Selectors<'_>> = BTreeMap::new();
    let mut namespaces: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut meshes: Vec<(usize, &Labels)> = Vec::new();
    let mut targets: HashMap<_, Vec<usize>> = HashMap::new();
    for (position, policy) in policies.iter().enumerate() {
        let namespace = policy.name.namespace.as_str();
        let earlier: &[usize] = match &policy.attachment {
            Attachment::Workload(labels) => {
                let selectors = workloads.entry(namespace).or_default();
                selectors.add(position, labels);
                continue;
            }
            Attachment::Mesh(labels) => {
                for &(other, others) in &meshes {
                    if are_compatible(labels, others) {
                        found(other, position);
                    }
                }
                meshes.push((position, labels));
                continue;
            }
            Attachment::Namespace => {
                let others = namespaces.entry(namespace).or_default();
                others.push(position);
                others
            }
            Attachment::Targets(names) => {
                let mut names = names.clone();
                names.sort();
                let others = targets.entry((namespace, names)).or_default();
                others.push(position);
                others
            }
        };
        for &other in earlier.iter().filter(|&&other| other != position) {
            found(other, position);
        }
    }
    for (namespace, selectors) in &workloads {
        for &of_namespace in namespaces.get(namespace).into_iter().flatten() {
            for &(workload, _) in selectors.by_keys.values().flatten() {
                found(workload, of_namespace);
            }
        }
        selectors.for_each_pair(&mut found);
    }
    for (mesh, of_mesh) in meshes {
        let of_workloads = workloads.values().flat_map(|all| all.by_keys.values());
        for &(workload, labels) in of_workloads.flatten() {
            if are_compatible(labels, of_mesh) {
                found(workload, mesh);
            }
        }
        for &namespace in namespaces.values().flatten() {
            found(namespace, mesh);
        }
    }
}

/// The selectors of a namespace, by the labels they name: ten thousand that all select by `app` are
/// one look-up each.
#[derive(Default)]
struct Selectors<'p> {
    by_keys: BTreeMap<Vec<&'p str>, Vec<(usize, &'p Labels)>>,
}

impl<'p> Selectors<'p> {
    fn add(&mut self, position: usize, labels: &'p Labels) {
        let keys = labels.keys().map(String::as_str).collect();
        self.by_keys
            .entry(keys)
            .or_default()
            .push((position, labels));
    }

    fn for_each_pair(&self, found: &mut impl FnMut(usize, usize)) {
        for (keys, members) in &self.by_keys {
            let mut seen: HashMap<&Labels, Vec<usize>> = HashMap::with_capacity(members.len());
            for &(position, labels) in members {
                let equal = seen.entry(labels).or_default();
                for &other in equal.iter() {
                    found(other, position);
                }
                equal.push(position);
            }
            for (other_keys, others) in self.by_keys.range(keys.clone()..).skip(1) {
                let common: Vec<_> = keys.iter().filter(|key| other_keys.contains(key)).collect();
                let project = |labels: &'p Labels| -> Vec<Option<&'p String>> {
                    common.iter().map(|key| labels.get(**key)).collect()
                };
                let mut by_values: HashMap<_, Vec<usize>> = HashMap::with_capacity(members.len());
                for &(position, labels) in members {
                    by_values.entry(project(labels)).or_default().push(position);
                }
                for &(other, labels) in others {
                    for &position in by_values.get(&project(labels)).into_iter().flatten() {
                        found(position, other);
                    }
                }
            }
        }
    }
}
