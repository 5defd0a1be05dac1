//! The answer to a question: a decision with its reason.

use policy_schema::document::PathNormalization;
use policy_schema::engine::{
    CompiledPolicy, CompiledRule, DecisionOutcome, Reason, Request, RequestAttributes,
};
use policy_schema::plugin_config::PolicyName;
use policy_schema::rule_spec::{Effect, Enforcement, RuleSpec};
use policy_schema::telemetry::DecisionEffect;
use serde::{Serialize, Serializer};

use super::question::Question;
use super::refusal::Refusal;
use crate::explanation::{NearRule, nearest};

/// The answer to a question.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer<'p> {
    /// The line of the request batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The decision.
    pub decision: RequestVerdict,
    /// Whether the request passes. A shadow policy lets denied requests pass.
    pub passes: bool,
    /// The reason code, or `refused-by-proxy`.
    pub reason: &'static str,
    /// The reason as a sentence.
    pub explanation: String,
    /// The ID of the deciding rule, if any.
    pub rule: Option<&'p str>,
    /// The policy of the rule, else the leader.
    #[serde(serialize_with = "as_text")]
    pub policy: &'p PolicyName,
    /// The owner of the rule.
    pub owner: Option<&'p str>,
    /// The path that the client sends, if normalization changes it.
    pub sent_path: Option<String>,
    /// The path that rules see.
    pub path: Option<String>,
    /// The workload port.
    pub port: Option<u16>,
    /// Matching shadow rules.
    pub shadow: Vec<RecordedMatch<'p>>,
    /// Matching `Audit` and `Custom` rules.
    pub recorded: Vec<RecordedMatch<'p>>,
    /// The enforcement of the leader.
    pub enforcement: Enforcement,
    /// The policy whose filter enforces all policies of the workload.
    #[serde(serialize_with = "as_text")]
    pub leader: &'p PolicyName,
    /// The revision of the documents.
    pub revision: Option<&'p str>,
    /// The rules nearest to allowing a denied request, the nearest first.
    #[serde(serialize_with = "near_rules")]
    pub nearest: Vec<NearRule>,
    /// Assumptions and limitations of the answer, one sentence each.
    pub notes: Vec<String>,
    /// The decision ID for `peergate explain`.
    pub id: Option<String>,
    /// Differences from the expectation of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_expected: Option<bool>,
}

/// The decision about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestVerdict {
    /// The rules allow the request.
    Allow,
    /// The rules deny the request.
    Deny,
    /// The proxy rejects the request before any rule.
    Refused,
}

impl RequestVerdict {
    /// The word in answers and expectations.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Refused => "refused",
        }
    }
}

/// The reason code of requests that the proxy rejects.
pub(crate) const REFUSED_BY_PROXY: &str = "refused-by-proxy";

/// A rule that matches but does not decide.
#[derive(Debug, Serialize)]
pub struct RecordedMatch<'p> {
    /// The ID of the rule.
    pub rule: &'p str,
    /// The policy.
    #[serde(serialize_with = "as_text")]
    pub policy: &'p PolicyName,
    /// The effect, as if enforced.
    pub effect: DecisionEffect,
    /// The owner in the document.
    pub owner: Option<&'p str>,
}

/// The context of an answer.
pub(super) struct AnswerContext<'p> {
    pub(super) policy: &'p CompiledPolicy,
    pub(super) mode: PathNormalization,
    /// Notes about the workload.
    pub(super) notes: Vec<String>,
}

impl<'p> AnswerContext<'p> {
    /// Answers a request that reaches the rules with this path. `spec` finds a rule in the documents.
    pub(super) fn answer<'r>(
        &self,
        question: &Question<'_>,
        request: &Request<'_>,
        spec: impl Fn(&CompiledRule) -> Option<&'r RuleSpec>,
    ) -> Answer<'p> {
        let Self { policy, .. } = *self;
        let decision = policy.evaluate(request);
        let rule = decision.reason().rule();
        let (shadow, recorded): (Vec<_>, Vec<_>) = policy
            .recorded_matches(request)
            .partition(|rule| rule.is_shadow());
        let mut notes = self.notes.clone();
        notes.extend(question.notes(self.mode, request.path()));
        for custom in recorded
            .iter()
            .filter(|rule| rule.effect() == Effect::Custom)
        {
            let provider = spec(custom).and_then(|spec| spec.provider.as_deref());
            notes.push(format!(
                "rule `{}` asks the provider `{}` first, whose decision is not predicted",
                custom.id(),
                provider.unwrap_or_default()
            ));
        }
        let matches = |rules: Vec<_>| rules.into_iter().map(RecordedMatch::from).collect();
        let is_denied = decision.outcome() == DecisionOutcome::Denied;
        Answer {
            decision: if is_denied {
                RequestVerdict::Deny
            } else {
                RequestVerdict::Allow
            },
            passes: decision.lets_pass(),
            reason: decision.reason().code().as_str(),
            explanation: explanation(decision.reason()).to_owned(),
            rule: rule.map(CompiledRule::id),
            policy: rule.map_or(policy.name(), CompiledRule::policy),
            owner: rule.and_then(CompiledRule::owner),
            shadow: matches(shadow),
            recorded: matches(recorded),
            enforcement: decision.enforcement(),
            nearest: if is_denied {
                nearest(policy, request, spec)
            } else {
                Vec::new()
            },
            notes,
            id: Some(policy.decision_id(&policy.record(&decision, request))),
            ..self.bare(question, request.path())
        }
    }

    /// Answers a request that the proxy rejects.
    pub(super) fn refused(&self, question: &Question<'_>, reason: &Refusal) -> Answer<'p> {
        Answer {
            explanation: reason.to_string(),
            notes: self.notes.clone(),
            ..self.bare(question, None)
        }
    }

    fn bare(&self, question: &Question<'_>, path: Option<&[u8]>) -> Answer<'p> {
        let path = path.map(|path| String::from_utf8_lossy(path).into_owned());
        let without_query = |sent: &str| sent.split('?').next().map(str::to_owned);
        let sent = question.path.filter(|sent| without_query(sent) != path);
        Answer {
            line: None,
            decision: RequestVerdict::Refused,
            passes: false,
            reason: REFUSED_BY_PROXY,
            explanation: String::new(),
            rule: None,
            policy: self.policy.name(),
            owner: None,
            sent_path: sent.map(str::to_owned),
            path,
            port: question.port,
            shadow: Vec::new(),
            recorded: Vec::new(),
            enforcement: self.policy.enforcement(),
            leader: self.policy.name(),
            revision: self.policy.revision(),
            nearest: Vec::new(),
            notes: Vec::new(),
            id: None,
            as_expected: None,
        }
    }
}

impl Question<'_> {
    /// Notes about the request.
    fn notes(&self, mode: PathNormalization, path: Option<&[u8]>) -> Vec<String> {
        let mut notes = Vec::new();
        if self.has_claims {
            notes.push("the claims are assumed to come from a verified token".to_owned());
        }
        notes.extend(self.notes_about_version().map(str::to_owned));
        if let Some(sent) = self.path {
            if !sent.is_ascii() && path.is_some() {
                notes.push(
                    "the proxy rejects this path over HTTP/1.1; the answer is for HTTP/2"
                        .to_owned(),
                );
            }
            let has_parameters = sent
                .split(['?', '#'])
                .next()
                .is_some_and(|path| path.contains("/.;") || path.contains("/..;"));
            if has_parameters && mode != PathNormalization::None {
                notes.push(
                    "Envoy before 1.40 does not resolve dot segments with parameters, such as `..;x`: its rules \
                     see them in the path"
                        .to_owned(),
                );
            }
        }
        notes
    }
}

impl<'p> From<&'p CompiledRule> for RecordedMatch<'p> {
    fn from(rule: &'p CompiledRule) -> Self {
        Self {
            rule: rule.id(),
            policy: rule.policy(),
            effect: DecisionEffect::new(rule.effect(), Enforcement::Enforce),
            owner: rule.owner(),
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference to the field, which is itself a reference"
)]
fn as_text<S: Serializer>(name: &&PolicyName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(name)
}

#[expect(clippy::ptr_arg, reason = "serde hands over the field as it is")]
fn near_rules<S: Serializer>(near: &Vec<NearRule>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(near.iter().map(NearRule::to_json))
}

fn explanation(reason: Reason<'_>) -> &'static str {
    match reason {
        Reason::AllowedByRule(_) => "the rule allows the request",
        Reason::NotDenied => "no rule denies the request, and the default is to pass",
        Reason::DeniedByRule(_) => "the rule denies the request",
        Reason::NoIdentity => "the caller has no identity, and no rule allows anonymous callers",
        Reason::MalformedIdentity => {
            "the caller's certificate does not have exactly one SPIFFE ID of a workload"
        }
        Reason::ForeignTrustDomain => "the caller's trust domain is foreign",
        Reason::ExpiredRule(_) => "the rule would allow the request, but has expired",
        Reason::RuleNotYetValid(_) => "the rule would allow the request, but is not yet valid",
        Reason::NoRuleMatched => "no rule allows the request",
        Reason::UnvalidatedCertificate => "the gateway has not validated the caller's certificate",
    }
}
