//! Builds the reply to a denied caller: problem details (RFC 9457), or a gRPC status.
//!
//! The level of detail depends on the caller. Every reply contains the decision ID.

use peergate_engine::engine::{
    Attribute, CompiledPolicy, CompiledRule, NearMiss, Reason, RequestAttributes,
};
use peergate_engine::reporting::{Disclosure, Reporting};
use peergate_engine::telemetry::DENIAL_DETAILS;
use serde::Serialize;

use crate::denial::{self, Denial};
use crate::host::LocalResponse;

/// The header with the decision ID.
pub const DECISION: &str = "x-peergate-decision";
/// The header with the reason code.
pub const REASON: &str = "x-peergate-reason";

/// The gRPC status `PERMISSION_DENIED`.
const PERMISSION_DENIED: i32 = 7;

/// Problem details, in the order of their fields.
#[derive(Debug, Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'static str,
    status: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// The rule that decided, or the nearest rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    /// The attributes in which the request differs from that rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differs: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a str>,
    decision: &'a str,
}

const TITLE: &str = "Access denied";

/// The reply of a filter without a policy.
pub fn no_policy() -> LocalResponse {
    LocalResponse {
        status: 403,
        details: details("no-policy"),
        headers: vec![
            ("content-type", "text/plain".to_owned()),
            (REASON, "no-policy".to_owned()),
        ],
        body: "access denied: no-policy\n".to_owned(),
        grpc_status: None,
    }
}

/// The reply to a denied request.
pub fn denied(
    policy: &CompiledPolicy,
    denial: &Denial<'_>,
    request: &impl RequestAttributes,
    is_grpc: bool,
) -> LocalResponse {
    let reporting = policy.reporting();
    let disclosure = if denial.is_stranger {
        reporting.to_strangers
    } else {
        reporting.to_mesh
    };
    let reason = denial.reason.code().as_str();
    let is_told = disclosure >= Disclosure::Reason;
    let mut headers = vec![(DECISION, denial.id.clone())];
    if is_told {
        headers.push((REASON, reason.to_owned()));
    }
    let body = if is_grpc {
        message(is_told.then_some(reason), &denial.id)
    } else {
        headers.push(("content-type", "application/problem+json".to_owned()));
        let problem = problem(policy, denial, request, disclosure);
        serde_json::to_string(&problem).unwrap_or_default()
    };
    LocalResponse {
        status: 403,
        details: details(reason),
        headers,
        body,
        grpc_status: is_grpc.then_some(PERMISSION_DENIED),
    }
}

fn details(reason: &str) -> String {
    [DENIAL_DETAILS, reason, "]"].concat()
}

/// Short, because gRPC carries it in a header.
fn message(reason: Option<&str>, id: &str) -> String {
    match reason {
        Some(reason) => format!("access denied: {reason}; decision {id}"),
        None => format!("access denied; decision {id}"),
    }
}

fn problem<'a>(
    policy: &'a CompiledPolicy,
    denial: &'a Denial<'_>,
    request: &impl RequestAttributes,
    disclosure: Disclosure,
) -> Problem<'a> {
    let reporting = policy.reporting();
    let reason = denial.reason.code().as_str();
    let is_told = disclosure >= Disclosure::Reason;
    let mut problem = Problem {
        r#type: kind(reporting, is_told.then_some(reason)),
        title: TITLE,
        status: 403,
        detail: is_told.then(|| summary(denial.reason)),
        reason: is_told.then_some(reason),
        policy: None,
        rule: None,
        differs: Vec::new(),
        owner: None,
        contact: reporting.contact.as_deref(),
        decision: &denial.id,
    };
    if disclosure >= Disclosure::NearestRule {
        let near = match denial.reason {
            Reason::NoRuleMatched | Reason::NoIdentity | Reason::UnvalidatedCertificate => {
                denial::nearest_rule(policy, request)
            }
            _ => None,
        };
        let rule = denial.rule().or(near.map(|near| near.rule));
        problem.policy = Some(rule.map_or(denial.policy, CompiledRule::policy).to_string());
        problem.rule = rule.map(CompiledRule::id);
        problem.owner = rule.and_then(CompiledRule::owner);
        if let Some(near) = near {
            let attributes = near.differences.iter();
            problem.differs = attributes.map(Attribute::name).collect();
        }
        problem.detail = Some(explanation(denial, near));
    }
    problem
}

/// The problem type: a URL, as in RFC 9457.
fn kind(reporting: &Reporting, reason: Option<&str>) -> String {
    match (&reporting.documentation, reason) {
        (Some(page), Some(reason)) => [page, "#", reason].concat(),
        (Some(page), None) => page.clone(),
        (None, _) => "about:blank".to_owned(),
    }
}

/// The reason in a sentence that names no rule.
fn summary(reason: Reason<'_>) -> String {
    match reason {
        Reason::AllowedByRule(_) | Reason::NotDenied => "The request is allowed.",
        Reason::DeniedByRule(_) => "A rule denies this request.",
        Reason::NoIdentity => "The caller has no identity.",
        Reason::MalformedIdentity => {
            "The caller's certificate does not contain exactly one SPIFFE ID."
        }
        Reason::ForeignTrustDomain => "The caller's trust domain does not belong to this mesh.",
        Reason::ExpiredRule(_) => "The rule that allowed this request has expired.",
        Reason::RuleNotYetValid(_) => "The rule that would allow this request is not yet valid.",
        Reason::NoRuleMatched => "No rule allows this request.",
        Reason::UnvalidatedCertificate => {
            "The gateway has not validated the caller's certificate, so the caller has no identity."
        }
    }
    .to_owned()
}

/// The reason with the rule.
fn explanation(denial: &Denial<'_>, near: Option<NearMiss<'_>>) -> String {
    let rule = denial.rule().map_or("", CompiledRule::id);
    match (denial.reason, near) {
        (Reason::DeniedByRule(_), _) => format!("The rule `{rule}` denies this request."),
        (Reason::ExpiredRule(_), _) => {
            format!("The rule `{rule}` allowed this request, but has expired.")
        }
        (Reason::RuleNotYetValid(_), _) => {
            format!("The rule `{rule}` would allow this request, but is not yet valid.")
        }
        (reason, Some(near)) => {
            let names: Vec<_> = near.differences.iter().map(Attribute::name).collect();
            format!(
                "{} The nearest rule, `{}`, differs in: {}.",
                summary(reason),
                near.rule.id(),
                names.join(", "),
            )
        }
        (reason, None) => summary(reason),
    }
}

#[cfg(test)]
mod tests;
