//! Finds a remedy for a denied request: a policy change or advice.

use std::time::Duration;

use policy_schema::decision_id::{DecisionRecord, RecordedCaller};
use policy_schema::policy::{PolicySet, ServicePolicy};
use policy_schema::telemetry::ReasonCode;
use policy_schema::timestamp::Timestamp;

use super::advice::Advice;
use super::amendment::{Amendment, PolicyRule};
use super::new_rule::{NewCaller, NewRule, new_rule};
use super::{Explanation, NamedRule, ShadowRule};

/// A remedy for a denied request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// A change of a policy.
    Amend(Amendment),
    /// Advice, if no policy change is appropriate or possible.
    Advise(Advice),
}

/// Options of a change.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The new end of an expired rule.
    pub until: Timestamp,
}

impl Choice {
    /// Until the end of the day in one week, UTC. The result is the same all day.
    pub fn at(now: Timestamp) -> Self {
        const ONE_DAY: Duration = Duration::from_hours(24);
        const ONE_WEEK: Duration = Duration::from_hours(7 * 24);
        Self {
            until: now.after(ONE_WEEK).after(ONE_DAY).start_of_day(),
        }
    }
}

/// Finds the remedy for a denied request.
pub(super) fn remedy(
    record: &DecisionRecord,
    explanation: &Explanation,
    set: &PolicySet,
    policy: &ServicePolicy,
    choice: Choice,
) -> Remedy {
    let by_rule = |change: &dyn Fn(PolicyRule) -> Amendment| {
        let rule = explanation.rule.as_ref().map(policy_rule);
        rule.map_or(Remedy::Advise(Advice::AskOwner), |rule| {
            Remedy::Amend(change(rule))
        })
    };
    let shadow = explanation.shadow.as_ref();
    match (explanation.reason, &record.caller) {
        (_, _) if explanation.is_allowed && explanation.asks_for_more => {
            Remedy::Advise(Advice::FindOutWhatWasSent)
        }
        (_, _) if explanation.is_allowed => Remedy::Advise(Advice::UpdateSidecar),
        // A change would fix a different decision than the filter's.
        (_, _) if !explanation.is_as_given => Remedy::Advise(Advice::CompareRules),
        (ReasonCode::DeniedByRule, RecordedCaller::Workload(caller)) => {
            by_rule(&|rule| Amendment::Except {
                rule,
                caller: caller.clone(),
            })
        }
        (ReasonCode::DeniedByRule, RecordedCaller::Certificate(_)) => {
            Remedy::Advise(Advice::ExceptCertificate)
        }
        (ReasonCode::DeniedByRule, RecordedCaller::Anonymous | RecordedCaller::Malformed) => {
            Remedy::Advise(Advice::IdentifyToExcept)
        }
        (_, _) if shadow.is_some() => shadow.map_or(Remedy::Advise(Advice::AskOwner), enforce),
        (ReasonCode::NoIdentity, _) => Remedy::Advise(Advice::JoinMesh),
        (ReasonCode::UnvalidatedCertificate, _) => Remedy::Advise(Advice::ValidateCertificate),
        (ReasonCode::MalformedIdentity, _) => Remedy::Advise(Advice::ReplaceCertificate),
        (ReasonCode::ForeignTrustDomain, _) => Remedy::Advise(Advice::CallFromMesh),
        (ReasonCode::ExpiredRule, _) => by_rule(&|rule| Amendment::Prolong {
            rule,
            until: choice.until,
        }),
        (ReasonCode::RuleNotYetValid, _) => by_rule(&|rule| Amendment::Begin {
            rule,
            from: super::at(record),
        }),
        (
            ReasonCode::NoRuleMatched | ReasonCode::AllowedByRule | ReasonCode::NotDenied
            // Never the reason of a decision.
            | ReasonCode::MatchedByRule,
            _,
        ) => with_new_rule(record, explanation, set, policy),
    }
}

/// The remedy for a request that no rule matches.
fn with_new_rule(
    record: &DecisionRecord,
    explanation: &Explanation,
    set: &PolicySet,
    policy: &ServicePolicy,
) -> Remedy {
    let rule_for = |caller| new_rule(record, caller, explanation.place, policy);
    match (&record.caller, &explanation.unseen) {
        (RecordedCaller::Anonymous | RecordedCaller::Malformed, _) => {
            Remedy::Advise(Advice::Identify)
        }
        (RecordedCaller::Workload(_) | RecordedCaller::Certificate(_), Some(unseen)) => {
            Remedy::Advise(Advice::SeeWhatWasSent(unseen.clone()))
        }
        (RecordedCaller::Workload(caller), None) => NewCaller::workload(caller, set, policy)
            .and_then(rule_for)
            .map_or(Remedy::Advise(Advice::WriteRule), add),
        (RecordedCaller::Certificate(names), None) => NewCaller::certificate(names)
            .and_then(rule_for)
            .map_or_else(|| name_certificate(names), add),
    }
}

/// Only the issuer knows which of several names identifies the client.
fn name_certificate(names: &str) -> Remedy {
    let names = names.lines().map(str::to_owned);
    Remedy::Advise(Advice::NameCertificate(names.collect()))
}

fn policy_rule(rule: &NamedRule) -> PolicyRule {
    PolicyRule {
        policy: rule.policy.clone(),
        id: rule.id.clone(),
    }
}

fn add(rule: NewRule) -> Remedy {
    Remedy::Amend(Amendment::AddRule(rule))
}

fn enforce(shadow: &ShadowRule) -> Remedy {
    let ShadowRule {
        rule,
        says_so_itself,
    } = shadow;
    let enforce = says_so_itself.then(|| policy_rule(rule));
    enforce.map_or_else(
        || Remedy::Advise(Advice::EnforcePolicy(rule.clone())),
        |rule| Remedy::Amend(Amendment::Enforce { rule }),
    )
}
