//! What would make a denied request be allowed: a change of a document, or what people must do.

use std::time::Duration;

use policy_schema::decision_id::{DecisionRecord, RecordedCaller};
use policy_schema::edit::{Edit, EditError, PolicyText};
use policy_schema::engine::Reason;
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::{PolicySet, ServicePolicy};
use policy_schema::timestamp::Timestamp;

use super::new_rule::{NewCaller, NewRule, new_rule, scalar};
use super::{Explanation, NamedRule, NearRule, ShadowRule};

/// What would make a request be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// One more rule, for this caller and this request alone.
    AddRule(NewRule),
    /// Another end for a rule that has expired.
    Prolong {
        /// Which.
        rule: PolicyRule,
        /// Its new end.
        until: Timestamp,
    },
    /// Another beginning for a rule that does not apply yet.
    Begin {
        /// Which.
        rule: PolicyRule,
        /// Its new beginning.
        from: Timestamp,
    },
    /// No shadow for a rule that would allow the request.
    Enforce {
        /// Which.
        rule: PolicyRule,
    },
    /// An exception for this caller from a `Deny` rule.
    Except {
        /// Which.
        rule: PolicyRule,
        /// Its SPIFFE ID.
        caller: String,
    },
    /// No change of a policy is called for, or none can be made.
    Advice(String),
}

/// A rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRule {
    pub(crate) policy: PolicyName,
    pub(crate) id: String,
}

/// What may be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The new end of a rule that has expired.
    pub until: Timestamp,
}

impl Choice {
    /// To the end of the day in a week, UTC. The same all day long, so that who asks twice gets one answer.
    pub fn at(now: Timestamp) -> Self {
        const ONE_DAY: Duration = Duration::from_hours(24);
        const ONE_WEEK: Duration = Duration::from_hours(7 * 24);
        Self {
            until: now.after(ONE_WEEK).after(ONE_DAY).whole_days(),
        }
    }
}

/// What would make the request be allowed.
pub(super) fn remedy(
    record: &DecisionRecord,
    explanation: &Explanation<'_>,
    set: &PolicySet,
    policy: &ServicePolicy,
    choice: Choice,
) -> Remedy {
    let by_rule = |change: &dyn Fn(PolicyRule) -> Remedy| {
        let rule = explanation.rule.as_ref().map(policy_rule);
        rule.map_or(advice("ask who owns the policy"), change)
    };
    let shadow = explanation.shadow.as_ref();
    match (explanation.reason, &record.caller) {
        (_, _) if explanation.is_allowed && explanation.asks_for_more => advice(
            "find out what headers, tokens and addresses the request had: without any the documents allow it, and rules \
             look at them",
        ),
        (_, _) if explanation.is_allowed => advice(
            "the documents allow it: see that the sidecar has their revision (`peergate verify`)",
        ),
        // A change would be for another decision than the one that was made.
        (_, _) if !explanation.is_as_given => advice(
            "find out which rules the sidecar has: these documents come to another decision than its filter did. Its \
             rules may have been edited in place, or be of another revision (`peergate verify`), or look at headers, \
             tokens or addresses, which no id has",
        ),
        (Reason::DeniedByRule(_), RecordedCaller::Workload(caller)) => {
            by_rule(&|rule| Remedy::Except {
                rule,
                caller: caller.clone(),
            })
        }
        (Reason::DeniedByRule(_), RecordedCaller::Certificate(_)) => advice(
            "if the rule is not meant for this client, except its certificate from the rule: name it under \
             `notClientCertificates`",
        ),
        (Reason::DeniedByRule(_), RecordedCaller::Anonymous | RecordedCaller::Malformed) => advice(
            "give the caller an identity: from a rule that denies, only a caller who is known can be excepted",
        ),
        (_, _) if shadow.is_some() => shadow.map_or(advice("ask who owns the policy"), enforce),
        (Reason::NoIdentity, _) => advice(
            "give the caller an identity: put it into the mesh. Only what everybody may call takes a rule with the \
             source `anonymous: true`",
        ),
        (Reason::UnvalidatedCertificate, _) => advice(
            "have the gateway validate client certificates, or give the caller one that its CA issued. Where TLS sessions \
             are resumed, switch that off at the gateway",
        ),
        (Reason::MalformedIdentity, _) => advice(
            "give the caller a certificate with one SPIFFE ID, as Istio's CA makes it (`peergate certs read` says what \
             is wrong with one)",
        ),
        (Reason::ForeignTrustDomain, _) => advice(
            "call from within the mesh. Only if the caller's trust domain is another name of this mesh does it belong \
             under `trustDomainAliases` of the `Mesh`",
        ),
        (Reason::ExpiredRule(_), _) => by_rule(&|rule| Remedy::Prolong {
            rule,
            until: choice.until,
        }),
        (Reason::RuleNotYetValid(_), _) => by_rule(&|rule| Remedy::Begin {
            rule,
            from: super::at(record),
        }),
        (
            Reason::NoRuleMatched | Reason::AllowedByRule(_) | Reason::NotDenied,
            RecordedCaller::Workload(caller),
        ) => match &explanation.unseen {
            Some(unseen) => see_what_was_sent(unseen),
            None => NewCaller::workload(caller, set, policy)
                .and_then(|caller| new_rule(record, caller, explanation.place, policy))
                .map_or(advice(BY_HAND), Remedy::AddRule),
        },
        (
            Reason::NoRuleMatched | Reason::AllowedByRule(_) | Reason::NotDenied,
            RecordedCaller::Certificate(names),
        ) => match &explanation.unseen {
            Some(unseen) => see_what_was_sent(unseen),
            None => NewCaller::certificate(names)
                .and_then(|caller| new_rule(record, caller, explanation.place, policy))
                .map_or_else(|| name_certificate(names), Remedy::AddRule),
        },
        (
            Reason::NoRuleMatched | Reason::AllowedByRule(_) | Reason::NotDenied,
            RecordedCaller::Anonymous | RecordedCaller::Malformed,
        ) => advice("give the caller an identity of the mesh"),
    }
}

const BY_HAND: &str =
    "write a rule by hand: the id does not have all of the request, or it cannot be written in one";

/// Only the issuer of the certificate knows which of several names identifies the client.
fn name_certificate(names: &str) -> Remedy {
    let names: Vec<_> = names.lines().map(|name| format!("`{name}`")).collect();
    Remedy::Advice(format!(
        "name the client's certificate in an `Allow` rule of the gateway's policy, under `clientCertificates`, by the name \
         that stands for this client: {}",
        names.join(" or "),
    ))
}

fn policy_rule(rule: &NamedRule) -> PolicyRule {
    PolicyRule {
        policy: rule.policy.clone(),
        id: rule.id.clone(),
    }
}

fn advice(text: &str) -> Remedy {
    Remedy::Advice(text.to_owned())
}

fn enforce(shadow: &ShadowRule) -> Remedy {
    let ShadowRule {
        rule,
        says_so_itself,
    } = shadow;
    let enforce = says_so_itself.then(|| policy_rule(rule));
    enforce.map_or_else(
        || {
            Remedy::Advice(format!(
                "see whether the policy {} can be enforced (`peergate promote`): its rule `{}` would allow the request, \
                 and the whole policy is in shadow",
                rule.policy, rule.id,
            ))
        },
        |rule| Remedy::Enforce { rule },
    )
}

/// A rule without what this one asks for would take away what its owner wants.
fn see_what_was_sent(near: &NearRule) -> Remedy {
    let NearRule { rule, misses } = near;
    let asked = misses.iter().map(|miss| {
        let wanted = miss.wanted.join(", ");
        format!("{} ({wanted})", miss.attribute.name())
    });
    Remedy::Advice(format!(
        "see what the caller sent: rule `{}` of {} takes this request but for {}, and of that no id tells all. A rule \
         that does not ask for it would let in what this one keeps out",
        rule.id,
        rule.policy,
        asked.collect::<Vec<_>>().join(" and "),
    ))
}

impl Remedy {
    /// The policy that it changes.
    pub fn policy(&self) -> Option<&PolicyName> {
        match self {
            Self::AddRule(rule) => Some(&rule.policy),
            Self::Prolong { rule, .. }
            | Self::Begin { rule, .. }
            | Self::Enforce { rule }
            | Self::Except { rule, .. } => Some(&rule.policy),
            Self::Advice(_) => None,
        }
    }

    /// What it does, for people to do it.
    pub fn in_words(&self) -> String {
        let of = |rule: &PolicyRule| format!("rule `{}` of {}", rule.id, rule.policy);
        match self {
            Self::AddRule(rule) => format!("add this rule to {}", rule.policy),
            Self::Prolong { rule, until } => {
                format!("write `notAfter: \"{until}\"` in {}", of(rule))
            }
            Self::Begin { rule, from } => format!("write `notBefore: \"{from}\"` in {}", of(rule)),
            Self::Enforce { rule } => format!("remove `enforcement: Shadow` from {}", of(rule)),
            Self::Except { rule, caller } => format!(
                "add `notPrincipals: [{}]` to each source of {}",
                scalar(caller),
                of(rule)
            ),
            Self::Advice(advice) => advice.clone(),
        }
    }

    /// The rule that it adds, as an element of a policy's `rules`.
    pub(crate) fn rule_to_paste(&self) -> Option<String> {
        let Self::AddRule(rule) = self else {
            return None;
        };
        let lines = rule.lines().into_iter().enumerate();
        let lines = lines.map(|(position, line)| {
            let dash = if position == 0 { "-" } else { " " };
            format!("    {dash} {line}\n")
        });
        Some(lines.collect())
    }

    /// The changes of the text that has the policy.
    pub fn edits(&self, text: &PolicyText<'_>) -> Result<Vec<Edit>, EditError> {
        match self {
            Self::AddRule(rule) => Ok(vec![text.append_rule(&rule.policy, &rule.lines())?]),
            Self::Prolong { rule, until } => {
                let value = format!("\"{until}\"");
                Ok(vec![text.replace_rule_field(
                    &rule.policy,
                    &rule.id,
                    "notAfter",
                    &value,
                )?])
            }
            Self::Begin { rule, from } => {
                let value = format!("\"{from}\"");
                Ok(vec![text.replace_rule_field(
                    &rule.policy,
                    &rule.id,
                    "notBefore",
                    &value,
                )?])
            }
            Self::Enforce { rule } => Ok(vec![text.remove_rule_field(
                &rule.policy,
                &rule.id,
                "enforcement",
            )?]),
            Self::Except { rule, caller } => {
                text.except_from_sources(&rule.policy, &rule.id, &scalar(caller))
            }
            Self::Advice(_) => Ok(Vec::new()),
        }
    }
}
