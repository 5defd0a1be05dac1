//! Policies → candidates in shadow.

use std::collections::BTreeSet;

use peergate_fault::{ExitStatus, Fault};
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::{PolicySet, Rollout, ServicePolicy};
use policy_schema::rule_spec::{Effect, Enforcement, Otherwise, RuleSpec};
use policy_schema::telemetry::RevisionNumber;
use policy_schema::timestamp::{Timestamp, Validity};
use thiserror::Error;

use crate::policy_selection::PolicySelection;

/// A rule or a group of policies in shadow that could be enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The policy of the rule, or the policies to enforce together. Never empty.
    pub members: Vec<Member>,
    /// Other policies that select some of the same workloads.
    pub(crate) neighbours: Vec<PolicyName>,
    /// Whether a member or a neighbor is enforced.
    pub(crate) is_decided: bool,
    /// The rule or policies in shadow.
    pub subject: Subject,
}

/// A policy that is in shadow or has a rule in shadow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name in the documents.
    pub name: PolicyName,
    /// The revision in the documents.
    pub revision: RevisionNumber,
    /// Whether the whole policy is in shadow.
    pub(crate) is_in_shadow: bool,
    /// Rules that are in shadow themselves.
    pub(crate) rules_in_shadow: BTreeSet<String>,
    /// Other `Allow` and `Deny` rules, which take effect with the policy.
    pub(crate) rules: Vec<MemberRule>,
    /// Ports without HTTP on which the enforced candidate may deny connections. Such denials are not counted.
    pub tcp_ports: Vec<u16>,
}

/// A rule that takes effect with its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberRule {
    pub(crate) id: String,
    pub(crate) effect: Effect,
    pub(crate) validity: Validity,
}

/// The subject of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Whole policies in shadow that share workloads, directly or transitively. They are judged together, because a single one
    /// would deny requests that another one allows.
    Policies {
        /// Enforced policies with `otherwise: Pass`. At workloads they share, the filter cannot count which requests a
        /// member's default would deny.
        uncounted: Vec<PolicyName>,
    },
    /// One rule.
    Rule {
        /// Unique in its policy.
        id: String,
        /// The effect once the rule is enforced.
        effect: Effect,
        /// The owner in the document.
        owner: Option<String>,
        /// The validity period.
        validity: Validity,
    },
}

/// The requested rule is not in shadow.
#[derive(Debug, Error)]
#[error("rule `{0}` is not in shadow, or does not exist")]
pub struct NotInShadow(String);

impl Fault for NotInShadow {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some("list all shadow rules with `peergate promote` without `--rule`")
    }
}

impl Candidate {
    /// All candidates of a policy set, in the order of policies and rules.
    pub fn all(set: &PolicySet) -> Vec<Self> {
        let together = set.overlapping_policies();
        let mut grouped = BTreeSet::new();
        let mut candidates = Vec::new();
        for (position, policy) in set.policies().iter().enumerate() {
            if policy.enforcement() == Enforcement::Shadow && !grouped.contains(&position) {
                let group = group(set, together, position);
                candidates.push(policies_candidate(set, together, &group));
                grouped.extend(group);
            }
            candidates.extend(rule_candidates(set, together, position, policy));
        }
        candidates
    }

    /// The candidates of the selected policies and, if rules are given, only those rules.
    pub fn wanted(
        set: &PolicySet,
        policies: &PolicySelection,
        rules: &[String],
    ) -> Result<Vec<Self>, NotInShadow> {
        let mut candidates = Self::all(set);
        candidates.retain(|candidate| {
            let mut members = candidate.members.iter();
            let is_of_policy = members.any(|member| policies.contains(&member.name));
            let is_rule = rules.is_empty()
                || candidate
                    .rule()
                    .is_some_and(|rule| rules.iter().any(|wanted| wanted == rule));
            is_of_policy && is_rule
        });
        let found: BTreeSet<_> = candidates.iter().filter_map(Self::rule).collect();
        match rules.iter().find(|rule| !found.contains(rule.as_str())) {
            Some(rule) => Err(NotInShadow(rule.clone())),
            None => Ok(candidates),
        }
    }

    /// The ID of the rule, if the candidate is a rule.
    pub fn rule(&self) -> Option<&str> {
        match &self.subject {
            Subject::Policies { .. } => None,
            Subject::Rule { id, .. } => Some(id),
        }
    }

    /// Ports without HTTP on which the enforced candidate may deny connections.
    pub fn tcp_ports(&self) -> Vec<u16> {
        let ports = self.members.iter().flat_map(|member| &member.tcp_ports);
        ports
            .copied()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// Whether the policy is a member.
    pub fn includes(&self, policy: &PolicyName) -> bool {
        self.members.iter().any(|member| member.name == *policy)
    }
}

/// The policy at `first` and all shadow policies that share workloads with it, directly or transitively.
fn group(set: &PolicySet, together: &[Vec<usize>], first: usize) -> BTreeSet<usize> {
    let mut group = BTreeSet::new();
    let mut reached = vec![first];
    while let Some(position) = reached.pop() {
        let policy = set.policies().get(position);
        let is_in_shadow = policy.is_some_and(|it| it.enforcement() == Enforcement::Shadow);
        if is_in_shadow && group.insert(position) {
            reached.extend(together.get(position).into_iter().flatten());
        }
    }
    group
}

fn policies_candidate(
    set: &PolicySet,
    together: &[Vec<usize>],
    group: &BTreeSet<usize>,
) -> Candidate {
    let mut members = Vec::with_capacity(group.len());
    let mut neighbours = BTreeSet::new();
    let mut uncounted = BTreeSet::new();
    for position in group {
        let Some(policy) = set.policies().get(*position) else {
            continue;
        };
        let rollout = set.rollout(policy);
        for other in together.get(*position).into_iter().flatten() {
            let Some(enforced) = set
                .policies()
                .get(*other)
                .filter(|_| !group.contains(other))
            else {
                continue;
            };
            neighbours.insert(*other);
            if rollout.config().otherwise_alone() == Otherwise::Deny
                && enforced.otherwise() == Otherwise::Pass
            {
                uncounted.insert(*other);
            }
        }
        let tcp_ports = set.tcp_ports_denied_by_policy(policy);
        members.push(member(&rollout, tcp_ports));
    }
    Candidate {
        members,
        is_decided: !neighbours.is_empty(),
        neighbours: names(set, neighbours),
        subject: Subject::Policies {
            uncounted: names(set, uncounted),
        },
    }
}

fn rule_candidates(
    set: &PolicySet,
    together: &[Vec<usize>],
    position: usize,
    policy: &ServicePolicy,
) -> Vec<Candidate> {
    let rollout = set.rollout(policy);
    // Includes the policy itself.
    let together = together.get(position).into_iter().flatten().copied();
    let is_decided = together
        .clone()
        .filter_map(|position| set.policies().get(position))
        .any(|policy| policy.enforcement() == Enforcement::Enforce);
    let neighbours = names(set, together.filter(|other| *other != position));
    let member = |id: &str| {
        let tcp_ports = set.tcp_ports_denied_by_rule(policy, id);
        member(&rollout, tcp_ports)
    };
    let rules = rollout.config().rules.iter();
    let in_shadow = rules.filter(|rule| rule.enforcement == Some(Enforcement::Shadow));
    in_shadow
        .map(|rule| Candidate {
            members: vec![member(&rule.id)],
            neighbours: neighbours.clone(),
            is_decided,
            subject: Subject::Rule {
                id: rule.id.clone(),
                effect: rule.effect,
                owner: rule.owner.clone(),
                validity: validity(rule),
            },
        })
        .collect()
}

fn member(rollout: &Rollout<'_>, tcp_ports: Vec<u16>) -> Member {
    let (policy, config) = (rollout.policy(), rollout.config());
    let is_in_shadow = |rule: &&RuleSpec| rule.enforcement == Some(Enforcement::Shadow);
    let in_shadow = config.rules.iter().filter(is_in_shadow);
    let others = config.rules.iter().filter(|rule| !is_in_shadow(rule));
    let others = others.filter(|rule| matches!(rule.effect, Effect::Allow | Effect::Deny));
    Member {
        name: policy.name().clone(),
        revision: rollout.revision(),
        is_in_shadow: policy.enforcement() == Enforcement::Shadow,
        rules_in_shadow: in_shadow.map(|rule| rule.id.clone()).collect(),
        rules: others
            .map(|rule| MemberRule {
                id: rule.id.clone(),
                effect: rule.effect,
                validity: validity(rule),
            })
            .collect(),
        tcp_ports,
    }
}

/// The validity period of a rule of a valid policy.
fn validity(rule: &RuleSpec) -> Validity {
    let time = |text: &Option<String>| Timestamp::parse(text.as_deref()?).ok();
    Validity {
        not_before: time(&rule.not_before),
        not_after: time(&rule.not_after),
    }
}

fn names(set: &PolicySet, positions: impl IntoIterator<Item = usize>) -> Vec<PolicyName> {
    let policies = positions
        .into_iter()
        .filter_map(|position| set.policies().get(position));
    policies.map(|policy| policy.name().clone()).collect()
}
