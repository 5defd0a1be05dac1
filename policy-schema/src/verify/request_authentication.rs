//! Checks that the tokens that rules require are validated: `RequestAuthentication` (Istio,
//! security.istio.io).
//!
//! The documents do not contain the keys of issuers. They only determine which tokens rules
//! require.

use std::collections::BTreeSet;

use serde_json::Value;

use super::extent::KindsRead;
use super::object::{Object, has_all};
use super::workloads::{Sidecar, Workload, Workloads};
use super::{Finding, FindingCode, Verdict};
use crate::matching::TextMatch;
use crate::policy::{Labels, PolicySet, ServicePolicy, has_gateway_label};
use crate::rule::{Condition, RequestPrincipal, Rule, Test};
use crate::rule_spec::{Effect, Enforcement};

const GROUP: &str = "security.istio.io";
const KIND: &str = "RequestAuthentication";

/// Whether a rule requires something that only a validated token has.
pub(super) fn requires_token(rule: &Rule) -> bool {
    !required_tokens(rule).is_empty()
}

pub(super) fn check(
    set: &PolicySet,
    objects: &[Object],
    workloads: &Workloads<'_>,
    kinds_read: &KindsRead,
    verdict: &mut Verdict,
) {
    let validators: Vec<_> = objects
        .iter()
        .filter(|object| object.is(GROUP, KIND))
        .map(|object| Validator::new(set, object))
        .collect();
    let is_seen = kinds_read.has(GROUP, KIND)
        && (!validators.is_empty() || matches!(kinds_read, KindsRead::AllBut(_)));
    let enforced = |policy: &&ServicePolicy| policy.enforcement == Enforcement::Enforce;
    for policy in set.policies.iter().filter(enforced) {
        let rules = policy.rules.iter();
        let rules: Vec<_> = rules
            .filter(|rule| rule.enforcement != Some(Enforcement::Shadow) && requires_token(rule))
            .collect();
        if rules.is_empty() {
            continue;
        }
        let places = Places::new(policy, workloads);
        // Such rules are not enforced, which is reported separately.
        if places.are_ambient() {
            continue;
        }
        for rule in rules {
            for tokens in required_tokens(rule) {
                verdict.findings.extend(if is_seen {
                    places.judge(rule, &tokens, &validators)
                } else {
                    vec![finding(
                        policy,
                        FindingCode::NotChecked,
                        format!(
                            "rule `{}` requires {tokens}, but no `{KIND}` was read",
                            rule.id
                        ),
                        "pass the `RequestAuthentication`s to `verify`",
                    )]
                });
            }
        }
    }
}

fn finding(policy: &ServicePolicy, code: FindingCode, message: String, help: &str) -> Finding {
    Finding::new(
        format!("ServicePolicy {}", policy.name),
        code,
        message,
        help,
    )
}

/// The tokens that a rule requires.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tokens<'r> {
    /// Tokens with one of these principals.
    OneOf(&'r [RequestPrincipal]),
    /// Tokens of any issuer with certain claims.
    WithClaims,
}

impl Tokens<'_> {
    fn takes(&self, issuer: &str) -> bool {
        match self {
            Self::OneOf(principals) => principals
                .iter()
                .any(|principal| principal.issuer.matches(issuer.as_bytes())),
            Self::WithClaims => true,
        }
    }

    fn names_issuer(&self) -> bool {
        match self {
            Self::OneOf(principals) => principals
                .iter()
                .all(|principal| principal.issuer != TextMatch::Any),
            Self::WithClaims => false,
        }
    }
}

impl std::fmt::Display for Tokens<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OneOf([]) | Self::WithClaims => f.write_str("tokens with certain claims"),
            Self::OneOf([first, ..]) => write!(f, "tokens of `{first}`"),
        }
    }
}

/// The tokens that a rule requires: all parts must match. Parts that name issuers replace those
/// that do not.
fn required_tokens(rule: &Rule) -> Vec<Tokens<'_>> {
    let conditions = || rule.conditions.iter().map(|Condition { test, .. }| test);
    let callers = conditions().filter_map(|test| match test {
        Test::Caller(source) => Some(&**source),
        _ => None,
    });
    let asking = rule.sources.iter().chain(callers);
    let asking = asking.filter(|source| !source.request_principals.any_of.is_empty());
    let mut required_tokens: Vec<_> = asking
        .map(|source| Tokens::OneOf(&source.request_principals.any_of))
        .collect();
    // A token that nothing validates has no claims, so an exclusion of claims lets it pass.
    let is_open = |none_of: &[_]| rule.effect == Effect::Allow && !none_of.is_empty();
    let has_claims = conditions().any(|test| {
        matches!(test, Test::Metadata { key, values }
            if key.is_claim() && (!values.any_of.is_empty() || is_open(&values.none_of)))
    });
    if required_tokens.is_empty() && has_claims {
        required_tokens.push(Tokens::WithClaims);
    }
    required_tokens
}

/// A `RequestAuthentication`.
struct Validator<'o> {
    object: &'o Object,
    is_for_mesh: bool,
    /// Whether it has `targetRefs`, so that it applies to gateways and waypoints. Which of them is
    /// unknown here.
    has_targets: bool,
    labels: Labels,
    issuers: BTreeSet<&'o str>,
}

impl<'o> Validator<'o> {
    fn new(set: &PolicySet, object: &'o Object) -> Self {
        let rules = object.at("/spec/jwtRules").and_then(Value::as_array);
        let issuers = rules.into_iter().flatten();
        let has = |field: &str| object.at(field).is_some();
        Self {
            object,
            is_for_mesh: object.namespace() == set.mesh.root_namespace,
            has_targets: has("/spec/targetRefs") || has("/spec/targetRef"),
            labels: object.selector().unwrap_or_default(),
            issuers: issuers
                .filter_map(|rule| rule.get("issuer")?.as_str())
                .collect(),
        }
    }

    fn is_for(&self, workload: &Workload<'_>) -> bool {
        let is_near = self.is_for_mesh || self.object.namespace() == workload.namespace;
        is_near
            && if self.has_targets {
                workload.sidecar != Sidecar::Present || has_gateway_label(&workload.labels)
            } else {
                has_all(&workload.labels, &self.labels)
            }
    }

    /// Whether it may apply to pods of a policy.
    fn may_be_for(&self, policy: &ServicePolicy) -> bool {
        let place = if self.is_for_mesh {
            &policy.name.namespace
        } else {
            self.object.namespace()
        };
        let namespace = &policy.name.namespace;
        self.has_targets
            || policy
                .attachment
                .may_select_pods(namespace, place, &self.labels)
    }
}

/// Where a policy is enforced: the observed workloads, or if there are none, those that it selects.
struct Places<'p, 'o> {
    policy: &'p ServicePolicy,
    workloads: Vec<&'p Workload<'o>>,
}

impl<'p, 'o> Places<'p, 'o> {
    fn new(policy: &'p ServicePolicy, workloads: &'p Workloads<'o>) -> Self {
        Self {
            policy,
            workloads: workloads.of_policy(policy).collect(),
        }
    }

    /// Whether no proxy in front of them reads requests.
    fn are_ambient(&self) -> bool {
        let mut workloads = self.workloads.iter();
        !workloads.as_slice().is_empty()
            && workloads.all(|workload| workload.sidecar == Sidecar::Ambient)
    }

    /// Problems with the tokens that a rule requires.
    fn judge(
        &self,
        rule: &Rule,
        tokens: &Tokens<'_>,
        validators: &[Validator<'_>],
    ) -> Vec<Finding> {
        if let Some(place) = self.first_without(validators, tokens) {
            let message = format!(
                "rule `{}` requires {tokens}, but no `{KIND}` for {place} validates them",
                rule.id
            );
            let help = "apply a `RequestAuthentication` for the workload and the issuer";
            let code = FindingCode::UnvalidatedTokens;
            vec![finding(self.policy, code, message, help)]
        } else if tokens.names_issuer() {
            Vec::new()
        } else {
            self.ambiguous_issuers(rule, validators)
        }
    }

    /// The first place that does not validate such tokens.
    fn first_without(&self, validators: &[Validator<'_>], tokens: &Tokens<'_>) -> Option<String> {
        let mut able = validators
            .iter()
            .filter(|validator| validator.issuers.iter().any(|issuer| tokens.takes(issuer)));
        if self.workloads.is_empty() {
            let is_covered = able.any(|validator| validator.may_be_for(self.policy));
            return (!is_covered).then(|| "its workload".to_owned());
        }
        let able: Vec<_> = able.collect();
        self.workloads
            .iter()
            .find(|workload| !able.iter().any(|validator| validator.is_for(workload)))
            .map(|workload| workload.title.clone())
    }

    /// Reports several issuers for the same place if a rule does not name the trusted one.
    fn ambiguous_issuers(&self, rule: &Rule, validators: &[Validator<'_>]) -> Vec<Finding> {
        let at_place = |validator: &&Validator<'_>| {
            if self.workloads.is_empty() {
                validator.may_be_for(self.policy)
            } else {
                self.workloads
                    .iter()
                    .any(|workload| validator.is_for(workload))
            }
        };
        let here: Vec<_> = validators.iter().filter(at_place).collect();
        let issuers: BTreeSet<_> = here
            .iter()
            .flat_map(|validator| &validator.issuers)
            .collect();
        if issuers.len() < 2 {
            return Vec::new();
        }
        here.iter()
            .map(|validator| {
                Finding::about(
                    validator.object,
                    FindingCode::ForeignObject,
                    format!(
                        "it is one of several that validate tokens for rule `{}` of policy `{}`, which accepts every issuer",
                        rule.id, self.policy.name
                    ),
                    "name the issuer in the rule: `requestPrincipals: [ISSUER/*]`",
                )
            })
            .collect()
    }
}
