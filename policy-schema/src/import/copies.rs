//! Handles objects that are in the input more than once, for example from a cluster and from a
//! repository.

use std::collections::{BTreeMap, BTreeSet};

use super::attachment::{Attachment, Unread};
use super::objects::{PeerAuthentication, Placed};
use super::resources::Resources;
use super::{Finding, Outcome};
use crate::istio::AuthorizationPolicy;

/// Keeps one of several equal copies. If copies differ, it is unknown which one the cluster has, so
/// none is imported.
pub(super) fn settle(resources: &mut Resources, findings: &mut Vec<Finding>) {
    let unread = resources.unread.iter();
    let unread: BTreeSet<_> = unread
        .map(|unread| (unread.attachment.namespace.clone(), unread.name.clone()))
        .collect();
    let name = |policy: &AuthorizationPolicy| {
        let metadata = &policy.metadata;
        (metadata.namespace.clone(), metadata.name.clone())
    };
    let policies = std::mem::take(&mut resources.policies);
    let settled = settled(policies, name, |a, b| a == b, &unread, findings);
    resources.policies = settled.kept;
    resources
        .unread
        .extend(settled.different.into_iter().map(|policy| Unread {
            attachment: Attachment::from_object(&policy),
            name: policy.metadata.name,
        }));
    let name = |object: &PeerAuthentication| (object.namespace.clone(), object.name.clone());
    let objects = std::mem::take(&mut resources.peer_authentications);
    let settled = self::settled(objects, name, |a, b| a == b, &BTreeSet::new(), findings);
    resources.peer_authentications = settled.kept;
    resources.has_unread_peer_authentication |= !settled.different.is_empty();
}

type Name = (String, String);

struct Settled<R> {
    kept: Vec<Placed<R>>,
    /// Each version of an object with different copies.
    different: Vec<R>,
}

fn settled<R>(
    objects: Vec<Placed<R>>,
    name: impl Fn(&R) -> Name,
    are_equal: impl Fn(&R, &R) -> bool,
    unread: &BTreeSet<Name>,
    findings: &mut Vec<Finding>,
) -> Settled<R> {
    let mut by_name: BTreeMap<Name, Vec<Placed<R>>> = BTreeMap::new();
    for object in objects {
        by_name
            .entry(name(&object.resource))
            .or_default()
            .push(object);
    }
    let mut settled = Settled {
        kept: Vec::new(),
        different: Vec::new(),
    };
    for (name, copies) in by_name {
        let mut copies = copies.into_iter();
        let Some(first) = copies.next() else { continue };
        let others: Vec<_> = copies.collect();
        let is_one = !unread.contains(&name)
            && others
                .iter()
                .all(|other| are_equal(&first.resource, &other.resource));
        let (namespace, name) = name;
        let mut say = |place, outcome, what: &str| {
            findings.push(Finding {
                place,
                outcome,
                message: format!("`{namespace}/{name}` {what}"),
            });
        };
        if is_one {
            for other in others {
                say(
                    other.place,
                    Outcome::Noted,
                    "is in the input twice, with the same content",
                );
            }
            settled.kept.push(first);
            continue;
        }
        for copy in std::iter::once(first).chain(others) {
            say(
                copy.place,
                Outcome::LeftOut,
                "is in the input more than once with different content: import only the version in the cluster",
            );
            settled.different.push(copy.resource);
        }
    }
    settled.kept.sort_by_key(|object| object.place);
    settled
}
