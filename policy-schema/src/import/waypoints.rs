//! Handles policies with `targetRefs` that Istio combines with others.
//!
//! A waypoint enforces its own policies and those of the services behind it, and a gateway also
//! enforces those of its namespace and of the mesh. In Istio a request passes if an `ALLOW` of any
//! of them allows it. In the language, policies for targets are combined only if they have the same
//! targets. Otherwise each must allow the request. `DENY` means the same in both.

use std::collections::{BTreeMap, BTreeSet};

use super::attachment::Attachment;
use super::policy::Group;
use super::{Finding, Outcome};
use crate::rule_spec::{Effect, Otherwise};

/// Leaves out policies of a waypoint and of services behind it if both deny by default. Reports
/// those of gateways that others may be combined with.
pub(super) fn leave_out_combined(
    groups: &mut [Group],
    root_namespace: &str,
    findings: &mut Vec<Finding>,
) {
    let closed = groups.iter().filter(|group| closes(group));
    let counts = Counts::new(closed.map(|group| &group.attachment));
    let wide: BTreeSet<String> = groups
        .iter()
        .filter(|group| group.attachment.is_for_all() && allows(group))
        .map(|group| group.attachment.namespace.clone())
        .collect();
    let has_wide = |one: &Attachment| {
        one.has_gateway() && (wide.contains(&one.namespace) || wide.contains(root_namespace))
    };
    let found: Vec<Combination> = groups
        .iter()
        .map(|group| {
            if !closes(group) {
                return Combination::None;
            }
            match counts.combination(&group.attachment) {
                Combination::None if has_wide(&group.attachment) => Combination::Wide,
                other => other,
            }
        })
        .collect();
    for (group, combination) in groups.iter_mut().zip(found) {
        let (outcome, message) = match combination {
            Combination::None => continue,
            Combination::Certain => (
                Outcome::LeftOut,
                "is enforced by a waypoint that has policies for itself and for services behind it: Istio allows a request if either allows it, Peergate only if both do; name the same targets in all of them",
            ),
            Combination::Possible => (
                Outcome::Noted,
                "applies to a gateway: if that is a waypoint, the policies of its class and of services in other namespaces must also allow a request, while in Istio any of them suffices",
            ),
            Combination::Wide => (
                Outcome::Noted,
                "must allow a request itself, while in Istio a policy for the whole namespace or mesh may also allow it, unless the gateway is a waypoint; repeat their rules in a policy for the gateway",
            ),
        };
        let origins = group.policy.iter().flat_map(|policy| &policy.origins);
        findings.extend(origins.map(|origin| Finding {
            place: origin.place,
            outcome,
            message: format!("`{}` {message}", origin.object),
        }));
        if outcome == Outcome::LeftOut {
            group.policy = None;
        }
    }
}

/// Whether a policy denies by default.
fn closes(group: &Group) -> bool {
    let policy = group.policy.as_ref();
    policy.is_some_and(|policy| policy.document.spec.otherwise != Some(Otherwise::Pass))
}

/// Whether a policy has a rule that allows something.
fn allows(group: &Group) -> bool {
    let mut rules = group
        .policy
        .iter()
        .flat_map(|policy| &policy.document.spec.rules);
    rules.any(|rule| rule.effect == Effect::Allow)
}

/// Whether Istio combines a policy with others that the language keeps separate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Combination {
    None,
    /// If a gateway is not a waypoint: those for its whole namespace, or the mesh.
    Wide,
    /// If a gateway is a waypoint.
    Possible,
    Certain,
}

/// The number of policies of each kind.
#[derive(Debug, Default)]
struct Counts<'a> {
    services: usize,
    waypoint_classes: usize,
    by_namespace: BTreeMap<&'a str, InNamespace>,
}

#[derive(Clone, Copy, Debug, Default)]
struct InNamespace {
    services: usize,
    gateways: usize,
}

impl<'a> Counts<'a> {
    fn new(attachments: impl Iterator<Item = &'a Attachment>) -> Self {
        let mut counts = Self::default();
        for attachment in attachments {
            let here = counts
                .by_namespace
                .entry(&attachment.namespace)
                .or_default();
            here.services += usize::from(attachment.has_service());
            here.gateways += usize::from(attachment.has_gateway());
            counts.services += usize::from(attachment.has_service());
            counts.waypoint_classes += usize::from(attachment.has_waypoint_class());
        }
        counts
    }

    /// Which others, among the counted ones, are combined with this one.
    fn combination(&self, one: &Attachment) -> Combination {
        let here = self.by_namespace.get(&*one.namespace);
        let here = here.copied().unwrap_or_default();
        let [service, gateway, class] = [
            one.has_service(),
            one.has_gateway(),
            one.has_waypoint_class(),
        ];
        let combined_with = |all: usize, counts_this: bool| all > usize::from(counts_this);
        let services = combined_with(self.services, service);
        let services_here = combined_with(here.services, service);
        let classes = combined_with(self.waypoint_classes, class);
        if (service && (classes || combined_with(here.gateways, gateway)))
            || (class && services)
            || (gateway && services_here)
        {
            Combination::Certain
        } else if gateway && (classes || services) {
            Combination::Possible
        } else {
            Combination::None
        }
    }
}
