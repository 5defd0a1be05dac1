//! What changes when the rendered objects are applied: which workloads deny more, and which less.

mod extent;

use std::collections::BTreeSet;

use super::{destination_rule, network_policy};
use crate::document::MtlsMode;
use crate::policy::{
    Attachment, DefaultDenyException, PolicySet, ServicePolicy, covers_workloads_of,
};
use crate::rule_spec::{Effect as RuleEffect, Enforcement, Otherwise};

pub use extent::Extent;

/// What changes when the rendered objects are applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Workloads that deny everything that their policies do not allow.
    pub closed: Affected,
    /// Workloads that deny only requests that a rule matches.
    pub denied: Affected,
    /// Workloads of a default-deny mesh for which an `AuthorizationPolicy` allows everything,
    /// because their policies are in shadow.
    pub opened: Affected,
    /// Workloads with policies that deny nothing.
    pub passed: Affected,
    /// Whether workloads without a policy deny every request.
    pub denies_without_policy: bool,
    /// Whether the mesh accepts plaintext. None if the cluster decides.
    pub plaintext: Option<Plaintext>,
    /// Whether the proxies of the whole mesh reach only declared services and hosts.
    pub limits_outbound: bool,
    /// Workloads that receive packets only from declared callers, or only on declared ports.
    pub packets_in: Extent,
    /// Workloads that receive every packet, regardless of other `NetworkPolicy` objects: their
    /// rules add up.
    pub packets_let_in: Extent,
    /// Workloads that send packets only to declared destinations.
    pub packets_out: Extent,
    /// The gateways that deny requests that no policy exposes or allows.
    pub closed_gateways: Vec<String>,
    /// Of those gateways, the ones that a policy in shadow, which allows everything, may select.
    pub contested_gateways: Vec<String>,
    /// The number of hosts that gateways route to services.
    pub exposed_hosts: usize,
    /// The number of hosts with a `DestinationRule`.
    pub called_hosts: usize,
}

/// Workloads that are affected in the same way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    /// How many workloads there are.
    pub extent: Extent,
    /// What any of them denies in addition to the default.
    pub denials: Denials,
    /// Whether some of them deny more. Those are counted separately.
    pub has_exceptions: bool,
}

/// Denials other than by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Denials {
    /// Requests that enforced `Deny` rules match.
    pub by_rules: bool,
    /// Requests that external authorizers deny.
    pub by_providers: bool,
    /// Callers of foreign trust domains.
    pub foreign: bool,
}

/// Whether the whole mesh accepts plaintext.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plaintext {
    /// No.
    Refused {
        /// The number of exceptions.
        exceptions: usize,
    },
    /// Yes.
    Accepted,
}

impl Denials {
    /// Whether there are no such denials.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    fn or(self, other: Self) -> Self {
        Self {
            by_rules: self.by_rules || other.by_rules,
            by_providers: self.by_providers || other.by_providers,
            foreign: self.foreign || other.foreign,
        }
    }

    fn for_policy(set: &PolicySet, policy: &ServicePolicy) -> Self {
        if policy.enforcement == Enforcement::Shadow {
            return Self::default();
        }
        let has = |effect| {
            policy.rules.iter().any(|rule| {
                rule.effect == effect
                    && rule.enforcement != Some(Enforcement::Shadow)
                    && !policy.has_expired(rule)
            })
        };
        let namespace = &policy.name.namespace;
        Self {
            by_rules: has(RuleEffect::Deny),
            by_providers: has(RuleEffect::Custom),
            // At a gateway, they are ordinary callers.
            foreign: !set.mesh.is_at_gateway(namespace, &policy.attachment),
        }
    }
}

/// The outcome for requests to a workload, the strictest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    Closed,
    Denied,
    Opened,
    Passed,
}

/// The combined effect of all policies at a place.
#[derive(Clone, Copy)]
struct Outcome {
    effect: Effect,
    denials: Denials,
}

/// Determines what changes when the rendered objects are applied.
pub fn applied(set: &PolicySet) -> Applied {
    let mesh = &set.mesh;
    let default_deny_exceptions = set.default_deny_exceptions();
    let overlapping = set.overlapping_policies();
    let outcomes: Vec<_> = set
        .policies
        .iter()
        .zip(overlapping)
        .map(|(policy, overlapping)| outcome(set, policy, overlapping, &default_deny_exceptions))
        .collect();
    let is_stricter_for_some =
        |policy: &ServicePolicy, overlapping: &[usize], outcome: &Outcome| {
            overlapping.iter().any(|position| {
                let other = set.policies.get(*position).zip(outcomes.get(*position));
                other.is_some_and(|(other, of_other)| {
                    of_other.effect < outcome.effect && !covers_workloads_of(other, policy)
                })
            })
        };
    let affected = |effect| {
        let mut affected = Affected::default();
        let mut found = Vec::new();
        for ((policy, overlapping), outcome) in set.policies.iter().zip(overlapping).zip(&outcomes)
        {
            if outcome.effect == effect {
                affected.denials = affected.denials.or(outcome.denials);
                affected.has_exceptions |= is_stricter_for_some(policy, overlapping, outcome);
                found.push(policy);
            }
        }
        affected.extent = Extent::from_policies(found);
        affected
    };
    let limits = network_policy::limits(set);
    let (closed_gateways, contested_gateways) = gateways(set, &default_deny_exceptions);
    Applied {
        closed: affected(Effect::Closed),
        denied: affected(Effect::Denied),
        opened: affected(Effect::Opened),
        passed: affected(Effect::Passed),
        denies_without_policy: mesh.otherwise == Otherwise::Deny && !is_whole(set),
        plaintext: mesh.mtls.mode.map(|mode| match mode {
            MtlsMode::Strict => Plaintext::Refused {
                exceptions: mesh.mtls.in_force().count(),
            },
            MtlsMode::Permissive => Plaintext::Accepted,
        }),
        limits_outbound: mesh.limits_outbound(),
        packets_in: Extent::from_policies(limits.ingress),
        packets_let_in: Extent::from_policies(limits.open_ingress),
        packets_out: Extent::from_policies(limits.egress),
        closed_gateways,
        contested_gateways,
        exposed_hosts: exposed_hosts(set),
        called_hosts: destination_rule::destination_rules(set).len(),
    }
}

/// Whether a policy applies to every workload of the mesh.
fn is_whole(set: &PolicySet) -> bool {
    let mut policies = set.policies.iter();
    policies
        .any(|policy| matches!(&policy.attachment, Attachment::Mesh(labels) if labels.is_empty()))
}

/// The combined effect of all policies that apply to the workloads of a policy.
fn outcome(
    set: &PolicySet,
    policy: &ServicePolicy,
    overlapping: &[usize],
    default_deny_exceptions: &[DefaultDenyException],
) -> Outcome {
    let mut denials = Denials::default();
    let (mut is_decided, mut is_opened) = (false, false);
    for position in overlapping {
        let Some(other) = set.policies.get(*position) else {
            continue;
        };
        if !covers_workloads_of(other, policy) {
            continue;
        }
        denials = denials.or(Denials::for_policy(set, other));
        is_decided |=
            other.enforcement == Enforcement::Enforce && other.otherwise == Otherwise::Deny;
        is_opened |= default_deny_exceptions.get(*position) == Some(&DefaultDenyException::Open);
    }
    let is_closed_by_default = set.mesh.otherwise == Otherwise::Deny;
    let effect = if is_decided || is_closed_by_default && !is_opened {
        Effect::Closed
    } else if is_closed_by_default {
        Effect::Opened
    } else if denials.is_empty() {
        Effect::Passed
    } else {
        Effect::Denied
    };
    Outcome { effect, denials }
}

/// The names of gateways that deny requests for unexposed hosts. Second, the names of those that an
/// object for a policy in shadow may open.
fn gateways(
    set: &PolicySet,
    default_deny_exceptions: &[DefaultDenyException],
) -> (Vec<String>, Vec<String>) {
    let is_open = |default_deny_exceptions: &DefaultDenyException| {
        set.mesh.otherwise == Otherwise::Deny
            && *default_deny_exceptions == DefaultDenyException::Open
    };
    let opening = set.policies.iter().zip(default_deny_exceptions);
    let opening = opening.filter(|(_, default_deny_exceptions)| is_open(default_deny_exceptions));
    let opened: Vec<_> = opening
        .flat_map(|(policy, _)| {
            set.mesh
                .gateways_of(&policy.name.namespace, &policy.attachment)
        })
        .map(|gateway| gateway.name.as_str())
        .collect();
    let names = set.mesh.gateways.iter().map(|gateway| gateway.name.clone());
    names.partition(|name| !opened.contains(&name.as_str()))
}

fn exposed_hosts(set: &PolicySet) -> usize {
    let exposures = set.policies.iter().flat_map(|policy| &policy.exposures);
    let hosts = exposures.flat_map(|exposure| &exposure.hosts);
    hosts.collect::<BTreeSet<_>>().len()
}
