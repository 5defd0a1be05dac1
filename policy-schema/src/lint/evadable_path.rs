//! Reports `Deny` rules by path that clients can evade with another spelling of the path.
//!
//! Proxies distinguish `/admin` from `//admin` and `/admin%2F...`, unless the mesh normalizes them.
//! Many servers do not. A rule is reported only with a request as evidence: the engine denies it by
//! this rule, and allows it in the other spelling.

use std::collections::BTreeSet;

use super::Found;
use super::sample::{paths, samples};
use crate::code;
use crate::document::PathNormalization;
use crate::engine::{CompiledPolicy, Decision, DecisionOutcome, Reason};
use crate::plugin_config::PolicyName;
use crate::policy::{Mesh, PolicySet, ServicePolicy};
use crate::problem::Cursor;
use crate::rule::{Operation, Rule};
use crate::rule_spec::{Effect, Enforcement};

/// The maximum number of requests to try for a rule.
const MAX_REQUESTS: usize = 1_000;

/// Policies with more rules, including those for the same workloads, are skipped.
const MAX_RULES: usize = 2_000;

/// The maximum number of slashes of a path to respell.
const MAX_SLASHES: usize = 4;

/// Reports `Deny` rules by path that another spelling of the path evades.
pub(super) fn check(set: &PolicySet, found: &mut Found) {
    let mode = set.mesh().path_normalization;
    if mode == PathNormalization::DecodeAndMergeSlashes {
        return;
    }
    let mut reported = BTreeSet::new();
    for (position, policy) in set.policies().iter().enumerate() {
        let Some(workload) = Workload::for_policy(set, position, policy) else {
            continue;
        };
        for denial in workload.denials() {
            let place = (denial.policy, denial.index);
            if reported.contains(&place) {
                continue;
            }
            if let Some(way) = workload.find_evasion(&denial) {
                report(&denial, &way, found);
                reported.insert(place);
            }
        }
    }
}

/// A `Deny` rule by path.
struct Denial<'s> {
    /// The position of its policy in the set.
    policy: usize,
    name: &'s PolicyName,
    /// The position in its policy.
    index: usize,
    rule: &'s Rule,
}

fn report(denial: &Denial<'_>, way: &Evasion, found: &mut Found) {
    let rules = Cursor::Root;
    let rules = rules.key("spec");
    let rules = rules.key("rules");
    let rule = rules.index(denial.index);
    let to = rule.key("to");
    let operation = to.index(way.operation);
    found.for_policy(denial.policy).report(
        code::EVADABLE_PATH,
        &operation.key("paths").index(way.path),
        format!(
            "rule `{}` denies `{}`, but not `{}`, which {}; many servers treat both as the same path",
            denial.rule.id, way.denied, way.passes, way.why
        ),
        way.spelling.remedy(),
    );
}

fn is_denial_by_path(rule: &Rule) -> bool {
    let mut operations = rule.operations.iter();
    rule.effect == Effect::Deny
        && rule.enforcement != Some(Enforcement::Shadow)
        && operations.any(|operation| !operation.paths.any_of.is_empty())
}

/// An alternative spelling of a path.
#[derive(Clone, Copy, Debug)]
enum Spelling {
    RepeatedSlash,
    EscapedSlash,
}

impl Spelling {
    /// The spellings that the proxies of a mesh do not normalize.
    fn not_normalized_by(mode: PathNormalization) -> &'static [Self] {
        match mode {
            PathNormalization::None | PathNormalization::Base => {
                &[Self::RepeatedSlash, Self::EscapedSlash]
            }
            PathNormalization::MergeSlashes => &[Self::EscapedSlash],
            PathNormalization::DecodeAndMergeSlashes => &[],
        }
    }

    /// The path with each of its slashes respelled, one at a time. The first slash cannot be
    /// escaped.
    fn spellings_of(self, path: &str) -> impl Iterator<Item = String> + '_ {
        let (with, since) = match self {
            Self::RepeatedSlash => ("//", 0),
            Self::EscapedSlash => ("%2F", 1),
        };
        let slashes = path.match_indices('/').skip(since).take(MAX_SLASHES);
        slashes.filter_map(move |(at, slash)| {
            let before = path.get(..at)?;
            let after = path.get(at + slash.len()..)?;
            Some(format!("{before}{with}{after}"))
        })
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::RepeatedSlash => {
                "set `pathNormalization: MergeSlashes` in the `Mesh`, or `DecodeAndMergeSlashes` if the servers decode `%2F` too; or allow only the paths that callers need"
            }
            Self::EscapedSlash => {
                "set `pathNormalization: DecodeAndMergeSlashes` in the `Mesh` if the servers decode `%2F`, or allow only the paths that callers need"
            }
        }
    }
}

/// A request that a rule denies, and the spelling that passes.
struct Evasion {
    /// The position of the operation with the path.
    operation: usize,
    path: usize,
    denied: String,
    passes: String,
    spelling: Spelling,
    /// Why it passes, as in "which …".
    why: String,
}

/// The policies of a workload.
struct Workload<'s> {
    mesh: &'s Mesh,
    policy: &'s ServicePolicy,
    /// All policies that apply to the workload, with their positions in the set.
    policies: Vec<(usize, &'s ServicePolicy)>,
    compiled: CompiledPolicy,
    /// The rules that allow requests.
    allowing: Vec<&'s Rule>,
}

impl<'s> Workload<'s> {
    /// The workload of the policy. None if there is nothing to check, or too much.
    fn for_policy(set: &'s PolicySet, position: usize, policy: &'s ServicePolicy) -> Option<Self> {
        let positions = std::iter::once(position).chain(policy.followers.iter().copied());
        let policies: Vec<_> = positions
            .filter_map(|position| Some((position, set.policies().get(position)?)))
            .collect();
        let rules = policies.iter().flat_map(|(_, policy)| &policy.rules);
        let is_too_much = rules.clone().nth(MAX_RULES).is_some();
        if is_too_much || !rules.clone().any(is_denial_by_path) {
            return None;
        }
        let is_allowing = |rule: &&Rule| {
            rule.effect == Effect::Allow && rule.enforcement != Some(Enforcement::Shadow)
        };
        let allowing = rules.filter(is_allowing).collect();
        Some(Self {
            mesh: set.mesh(),
            policy,
            policies,
            compiled: set.plugin_config(policy).try_into().ok()?,
            allowing,
        })
    }

    fn denials(&self) -> impl Iterator<Item = Denial<'s>> {
        self.policies.iter().flat_map(|(position, policy)| {
            let rules = policy.rules.iter().enumerate();
            let rules = rules.filter(|(_, rule)| is_denial_by_path(rule));
            rules.map(|(index, rule)| Denial {
                policy: *position,
                name: &policy.name,
                index,
                rule,
            })
        })
    }

    /// A request that passes and differs only in the spelling of its path from one that the rule
    /// denies. None if no tried request passes.
    fn find_evasion(&self, denying: &Denial<'_>) -> Option<Evasion> {
        let mut left = MAX_REQUESTS;
        for (operation_at, operation) in denying.rule.operations.iter().enumerate() {
            for (path_at, pattern) in operation.paths.any_of.iter().enumerate() {
                // Requests that no rule allows pass if the policies pass them by default.
                let rules = self.allowing.iter().map(|rule| Some(*rule));
                for allowing in rules.chain([None]) {
                    for path in paths(pattern, allowing) {
                        let found =
                            self.evading_path(denying, operation, allowing, &path, &mut left);
                        if let Some((spelling, passes, why)) = found {
                            return Some(Evasion {
                                operation: operation_at,
                                path: path_at,
                                denied: path,
                                passes,
                                spelling,
                                why,
                            });
                        }
                        if left == 0 {
                            return None;
                        }
                    }
                }
            }
        }
        None
    }

    /// Whether rules see the path as the client sends it.
    fn is_not_normalized(&self, path: &str) -> bool {
        let seen = self.mesh.path_normalization.normalize(path.as_bytes());
        seen.is_ok_and(|seen| seen == path.as_bytes())
    }

    fn evading_path(
        &self,
        denying: &Denial<'_>,
        operation: &Operation,
        allowing: Option<&Rule>,
        path: &str,
        left: &mut usize,
    ) -> Option<(Spelling, String, String)> {
        if !self.is_not_normalized(path) {
            return None;
        }
        let trust_domains = self.mesh.trust_domains();
        for sample in samples(operation, allowing, &self.policy.name, trust_domains) {
            *left = left.checked_sub(1)?;
            let decision = self
                .compiled
                .evaluate(&sample.request(path, self.policy.at));
            if !is_denied_by(denying, decision) {
                continue;
            }
            for spelling in Spelling::not_normalized_by(self.mesh.path_normalization) {
                let spellings = spelling.spellings_of(path);
                for passes in spellings.filter(|path| self.is_not_normalized(path)) {
                    let decision = self
                        .compiled
                        .evaluate(&sample.request(&passes, self.policy.at));
                    if let Some(why) = why_allowed(decision) {
                        return Some((*spelling, passes, why));
                    }
                }
            }
        }
        None
    }
}

fn is_denied_by(denying: &Denial<'_>, decision: Decision<'_>) -> bool {
    matches!(decision.reason(), Reason::DeniedByRule(rule)
        if rule.id() == &*denying.rule.id && rule.policy() == denying.name)
}

/// Why a decision allows a request. None if it denies it.
fn why_allowed(decision: Decision<'_>) -> Option<String> {
    match (decision.outcome(), decision.reason().rule()) {
        (DecisionOutcome::Denied, _) => None,
        (DecisionOutcome::Allowed, Some(rule)) => Some(format!("rule `{}` allows", rule.id())),
        (DecisionOutcome::Allowed, None) => Some("`otherwise: Pass` allows".to_owned()),
    }
}
