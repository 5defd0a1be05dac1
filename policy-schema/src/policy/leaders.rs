//! When several policies select one workload, one of them leads: its filter enforces all of them.
//!
//! One filter decides each request: that of the most specific policy. A policy that selects the
//! workload by labels comes first, then one for its namespace, then one for the mesh. Among
//! selectors, the one with more labels leads, then the first by name. Policies for gateways and
//! waypoints overlap only if they name the same targets.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::selectors::Selectors;
use super::{Attachment, Labels, ServicePolicy};
use crate::document::TargetRef;
use crate::plugin_config::PolicyName;

/// The maximum number of followers of one policy. A proxy runs a filter for each policy, and each
/// plugin config contains the rules of all followers.
pub(crate) const MAX_FOLLOWERS: usize = 256;

/// Policies with too many followers: the first of each namespace.
#[derive(Debug)]
pub(crate) struct TooManyFollowers(pub(crate) Vec<PolicyName>);

/// The order of a policy's filter among the filters on the same workloads.
#[derive(Clone, Debug, Default)]
pub(super) struct LeadOrder {
    /// The positions of the policies that this one's filter also enforces.
    pub(super) followers: Vec<usize>,
    /// The maximum number of filters that run before this one on any workload.
    pub(super) rank: u16,
}

/// Finds the leaders and followers among the policies.
pub(super) fn assign_leaders(
    policies: &[ServicePolicy],
) -> Result<Vec<LeadOrder>, TooManyFollowers> {
    let mut in_order: Vec<(usize, &ServicePolicy)> = policies.iter().enumerate().collect();
    in_order.sort_by(|(_, a), (_, b)| leader_sort_key(a).cmp(&leader_sort_key(b)));
    let index = PoliciesByAttachment::new(&in_order);
    let mut too_many = Vec::new();
    let mut refused_namespaces = BTreeSet::new();
    let mut places = vec![LeadOrder::default(); policies.len()];
    for (place, (leading, leader)) in in_order.iter().enumerate() {
        let namespace = leader.name.namespace.as_str();
        if refused_namespaces.contains(namespace) {
            continue;
        }
        let followers = index.followers(place, leader);
        let followers: Vec<_> = followers.take(MAX_FOLLOWERS + 1).collect();
        if followers.len() > MAX_FOLLOWERS {
            refused_namespaces.insert(namespace);
            too_many.push(leader.name.clone());
            continue;
        }
        let rank = places.get(*leading).map_or(0, |place| place.rank);
        let followers = followers
            .into_iter()
            .filter_map(|place| in_order.get(place));
        for (position, _) in followers {
            if let Some(follower) = places.get_mut(*position) {
                follower.rank = follower.rank.max(rank.saturating_add(1));
            }
            if let Some(leader) = places.get_mut(*leading) {
                leader.followers.push(*position);
            }
        }
    }
    if too_many.is_empty() {
        Ok(places)
    } else {
        Err(TooManyFollowers(too_many))
    }
}

/// For each policy, the positions of the policies that select some of the same workloads. Its own
/// comes first.
pub(super) fn overlapping(policies: &[ServicePolicy]) -> Vec<Vec<usize>> {
    let mut overlapping: Vec<Vec<usize>> =
        (0..policies.len()).map(|position| vec![position]).collect();
    for (position, policy) in policies.iter().enumerate() {
        for other in policy.followers() {
            if let Some(known) = overlapping.get_mut(position) {
                known.push(other);
            }
            if let Some(known) = overlapping.get_mut(other) {
                known.push(position);
            }
        }
    }
    overlapping
}

/// Whether `policy` applies to all workloads of `other`, for policies that share some.
pub(crate) fn covers_workloads_of(policy: &ServicePolicy, other: &ServicePolicy) -> bool {
    let is_among =
        |labels: &Labels, of: &Labels| labels.iter().all(|(key, value)| of.get(key) == Some(value));
    match (&policy.attachment, &other.attachment) {
        (Attachment::Mesh(labels), Attachment::Workload(others) | Attachment::Mesh(others)) => {
            is_among(labels, others)
        }
        (Attachment::Mesh(labels), Attachment::Namespace | Attachment::Targets(_)) => {
            labels.is_empty()
        }
        // Policies with targets overlap only if their targets are the same.
        (Attachment::Namespace, Attachment::Workload(_) | Attachment::Namespace)
        | (Attachment::Targets(_), Attachment::Targets(_)) => true,
        (Attachment::Workload(labels), Attachment::Workload(others)) => is_among(labels, others),
        _ => false,
    }
}

/// The sort key: the least policy leads.
fn leader_sort_key(policy: &ServicePolicy) -> (u8, Reverse<usize>, &str, &str) {
    let (distance, labels) = match &policy.attachment {
        Attachment::Workload(labels) => (0, labels.len()),
        Attachment::Namespace => (1, 0),
        Attachment::Mesh(labels) => (2, labels.len()),
        Attachment::Targets(_) => (3, 0),
    };
    let (namespace, name) = policy.name.as_pair();
    (distance, Reverse(labels), namespace, name)
}

/// The labels that a workload of `leading` must also have to be a workload of `following`.
pub(crate) fn extra_labels(leading: &ServicePolicy, following: &ServicePolicy) -> Labels {
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

/// The policies by attachment, each with its position in the order of leaders.
#[derive(Default)]
struct PoliciesByAttachment<'p> {
    workloads: BTreeMap<&'p str, Selectors<&'p Labels>>,
    namespaces: BTreeMap<&'p str, Vec<usize>>,
    meshes: Selectors<&'p Labels>,
    targets: HashMap<Targets<'p>, Vec<usize>>,
}

/// A namespace, and the targets in order.
type Targets<'p> = (&'p str, Vec<&'p TargetRef>);

impl<'p> PoliciesByAttachment<'p> {
    fn new(in_order: &[(usize, &'p ServicePolicy)]) -> Self {
        let mut places = Self::default();
        let mut workloads: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        let mut meshes = Vec::new();
        for (place, (_, policy)) in in_order.iter().enumerate() {
            let namespace = policy.name.namespace.as_str();
            match &policy.attachment {
                Attachment::Workload(labels) => {
                    workloads
                        .entry(namespace)
                        .or_default()
                        .push((place, labels));
                }
                Attachment::Namespace => {
                    places.namespaces.entry(namespace).or_default().push(place);
                }
                Attachment::Mesh(labels) => meshes.push((place, labels)),
                Attachment::Targets(names) => {
                    let targets = targets(namespace, names);
                    places.targets.entry(targets).or_default().push(place);
                }
            }
        }
        let workloads = workloads.into_iter();
        places.workloads = workloads
            .map(|(namespace, ranked)| (namespace, Selectors::new(ranked)))
            .collect();
        places.meshes = Selectors::new(meshes);
        places
    }

    /// The positions of the policies after `leader` that may select the same workload, in order:
    /// policies for workloads, then for namespaces, then for the mesh.
    fn followers<'s>(
        &'s self,
        place: usize,
        leader: &'s ServicePolicy,
    ) -> impl Iterator<Item = usize> + 's {
        let namespace = leader.name.namespace.as_str();
        let labels = labels(leader).unwrap_or(const { &Labels::new() });
        let (is_workload, is_target) = match &leader.attachment {
            Attachment::Workload(_) => (true, false),
            Attachment::Namespace | Attachment::Mesh(_) => (false, false),
            Attachment::Targets(_) => (false, true),
        };
        let is_mesh = matches!(leader.attachment, Attachment::Mesh(_));
        let workloads = self.workloads.get(namespace).filter(|_| is_workload);
        let namespaces = self.namespaces.get(namespace);
        let namespaces = namespaces.filter(|_| !is_mesh && !is_target);
        let meshes = Some(&self.meshes).filter(|_| !is_target);
        let same_targets = match &leader.attachment {
            Attachment::Targets(names) => self.targets.get(&targets(namespace, names)),
            _ => None,
        };
        let selectors = |selectors: Option<&'s Selectors<&'p Labels>>| {
            let selectors = selectors.into_iter();
            selectors.flat_map(move |selectors| selectors.compatible_after(place, labels))
        };
        let listed = |places: Option<&'s Vec<usize>>| {
            let places = places.map_or(&[][..], Vec::as_slice);
            let start = places.partition_point(|other| *other <= place);
            places.get(start..).unwrap_or_default().iter().copied()
        };
        selectors(workloads)
            .chain(listed(namespaces))
            .chain(selectors(meshes))
            .chain(listed(same_targets))
    }
}

fn targets<'p>(namespace: &'p str, names: &'p [TargetRef]) -> Targets<'p> {
    let mut names: Vec<_> = names.iter().collect();
    names.sort();
    (namespace, names)
}
