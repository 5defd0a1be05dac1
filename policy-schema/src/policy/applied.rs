//! What applying the rendered objects does to requests that no rule is about.

use std::collections::BTreeSet;

use super::{AtDefault, Attachment, PolicySet, ServicePolicy};
use crate::rule_spec::{Enforcement, Otherwise};

/// Which workloads deny, and which let pass, what no rule is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Policies that deny what they do not allow.
    pub closed: Extent,
    /// Policies in shadow, for which an `AuthorizationPolicy` allows everything, since the mesh denies by default.
    pub opened: Extent,
    /// Policies in shadow that no `AuthorizationPolicy` is rendered for, and policies that only deny.
    pub unchanged: Extent,
    /// Whether workloads without a policy deny every request.
    pub closes_the_rest: bool,
}

/// What a number of policies are for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Those for one workload each, or for gateways and waypoints.
    pub workloads: usize,
    /// Those for a whole namespace.
    pub whole_namespaces: usize,
    /// Those for the mesh.
    pub meshes: usize,
    /// In how many namespaces the policies are.
    pub namespaces: usize,
}

impl Extent {
    fn of<'p>(policies: impl Iterator<Item = &'p ServicePolicy>) -> Self {
        let mut extent = Self::default();
        let mut namespaces = BTreeSet::new();
        for policy in policies {
            namespaces.insert(policy.name.namespace.as_str());
            match &policy.attachment {
                Attachment::Workload(_) | Attachment::Targets(_) => extent.workloads += 1,
                Attachment::Namespace => extent.whole_namespaces += 1,
                Attachment::Mesh(_) => extent.meshes += 1,
            }
        }
        extent.namespaces = namespaces.len();
        extent
    }

    /// Whether there is no policy.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl PolicySet {
    /// What applying the rendered objects does to requests that no rule is about.
    pub fn applied(&self) -> Applied {
        let closes_the_rest = self.mesh.otherwise == Otherwise::Deny;
        let at_default = self.at_default();
        let effect_of = |(policy, at_default): (&ServicePolicy, AtDefault)| {
            let is_enforced = policy.enforcement == Enforcement::Enforce;
            if is_enforced && policy.otherwise_in(&self.mesh) == Otherwise::Deny {
                Effect::Closed
            } else if closes_the_rest && at_default == AtDefault::Open {
                Effect::Opened
            } else {
                Effect::Unchanged
            }
        };
        let effects: Vec<_> = self
            .policies
            .iter()
            .zip(at_default)
            .map(effect_of)
            .collect();
        let extent = |wanted| {
            let policies = self.policies.iter().zip(&effects);
            Extent::of(
                policies.filter_map(|(policy, effect)| (*effect == wanted).then_some(policy)),
            )
        };
        Applied {
            closed: extent(Effect::Closed),
            opened: extent(Effect::Opened),
            unchanged: extent(Effect::Unchanged),
            closes_the_rest,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Closed,
    Opened,
    Unchanged,
}
