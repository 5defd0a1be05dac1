//! What becomes of a request, with its reasons.

use policy_schema::document::PathNormalization;
use policy_schema::engine::{
    CompiledPolicy, CompiledRule, Outcome, Reason, Request, RequestAttributes,
};
use policy_schema::plugin_config::PolicyName;
use policy_schema::rule_spec::{Effect, Enforcement, RuleSpec};
use policy_schema::telemetry::DecisionEffect;
use serde::{Serialize, Serializer};

use super::question::Question;
use super::refusal::Refusal;
use crate::explanation::{NearRule, nearest};

/// What becomes of a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer<'p> {
    /// The line of the file that asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// In a word.
    pub decision: RequestVerdict,
    /// What happens: a policy in shadow lets pass what it would deny.
    pub passes: bool,
    /// The reason's code, or `refused-by-proxy`.
    pub reason: &'static str,
    /// The reason as a sentence.
    pub explanation: String,
    /// The id of the rule that decides; none where none does.
    pub rule: Option<&'p str>,
    /// The policy of the rule, else the one that leads.
    #[serde(serialize_with = "as_text")]
    pub policy: &'p PolicyName,
    /// Who answers for that rule, as the document says.
    pub owner: Option<&'p str>,
    /// The path that the client sends, where it is not the one that rules see.
    pub sent_path: Option<String>,
    /// The path that rules see.
    pub path: Option<String>,
    /// The port of the workload.
    pub port: Option<u16>,
    /// What rules in shadow would do.
    pub shadow: Vec<RecordedMatch<'p>>,
    /// The `Audit` and `Custom` rules that match.
    pub recorded: Vec<RecordedMatch<'p>>,
    /// Whether the leader is enforced or in shadow.
    pub enforcement: Enforcement,
    /// The policy whose filter decides with the rules of all.
    #[serde(serialize_with = "as_text")]
    pub leader: &'p PolicyName,
    /// Of the documents.
    pub revision: Option<&'p str>,
    /// The rules that come nearest to allowing a denied request, the nearest first.
    #[serde(serialize_with = "near_rules")]
    pub nearest: Vec<NearRule>,
    /// What the answer takes for granted or leaves out, one sentence each.
    pub notes: Vec<String>,
    /// What `peergate explain` takes.
    pub id: Option<String>,
    /// In what the answer is not as the line expects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_expected: Option<bool>,
}

/// What becomes of a request, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestVerdict {
    /// The rules allow it.
    Allow,
    /// The rules deny it.
    Deny,
    /// The proxy answers by itself, before any rule sees the request.
    Refused,
}

impl RequestVerdict {
    /// As answers and expectations have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Refused => "refused",
        }
    }
}

/// The reason of a request that the proxy refuses by itself.
pub(crate) const REFUSED_BY_PROXY: &str = "refused-by-proxy";

/// A rule that matches and has no say.
#[derive(Debug, Serialize)]
pub struct RecordedMatch<'p> {
    /// Its id.
    pub rule: &'p str,
    /// The policy that has it.
    #[serde(serialize_with = "as_text")]
    pub policy: &'p PolicyName,
    /// What it does, or would do were it not in shadow.
    pub effect: DecisionEffect,
    /// Who answers for it, as the document says.
    pub owner: Option<&'p str>,
}

/// What an answer is made of beside the request.
pub(super) struct AnswerContext<'p> {
    pub(super) policy: &'p CompiledPolicy,
    pub(super) mode: PathNormalization,
    /// Notes about the workload, whatever is asked.
    pub(super) notes: Vec<String>,
}

impl<'p> AnswerContext<'p> {
    /// What becomes of a request that reaches the rules with this path. `spec` finds a rule as it is written.
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
                "rule `{}` has the provider `{}` decide first, whose answer is not known here",
                custom.id(),
                provider.unwrap_or_default()
            ));
        }
        let matches = |rules: Vec<_>| rules.into_iter().map(RecordedMatch::from).collect();
        let is_denied = decision.outcome() == Outcome::Denied;
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
            id: Some(policy.id_of(&policy.record(&decision, request))),
            ..self.bare(question, request.path())
        }
    }

    /// What becomes of a request that the proxy refuses by itself.
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
    /// What an answer about the request does not take into account.
    fn notes(&self, mode: PathNormalization, path: Option<&[u8]>) -> Vec<String> {
        let mut notes = Vec::new();
        if self.has_claims {
            notes.push(
                "the claims count as those of a token that the proxy has verified".to_owned(),
            );
        }
        notes.extend(self.notes_about_version().map(str::to_owned));
        if let Some(sent) = self.path {
            if !sent.is_ascii() && path.is_some() {
                notes.push(
                    "the proxy refuses this path over HTTP/1.1; the answer is for HTTP/2"
                        .to_owned(),
                );
            }
            let has_parameters = sent
                .split(['?', '#'])
                .next()
                .is_some_and(|path| path.contains("/.;") || path.contains("/..;"));
            if has_parameters && mode != PathNormalization::None {
                notes.push(
                    "Envoy before 1.40 does not resolve dot segments with parameters, such as `..;x`: there rules \
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
    reason = "serde passes a reference to the field, which is one itself"
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
        Reason::AllowedByRule(_) => "the rule allows it",
        Reason::NotDenied => "no rule denies it, and what is not denied passes",
        Reason::DeniedByRule(_) => "the rule denies it",
        Reason::NoIdentity => "the caller has no identity, and no rule takes it without",
        Reason::MalformedIdentity => "what the caller presents is not a SPIFFE ID of a workload",
        Reason::ForeignTrustDomain => "the caller's trust domain is not one of the mesh's",
        Reason::ExpiredRule(_) => "the rule would allow it, but has expired",
        Reason::RuleNotYetValid(_) => "the rule would allow it, but does not apply yet",
        Reason::NoRuleMatched => "no rule allows it",
        Reason::UnvalidatedCertificate => "the gateway has not validated the caller's certificate",
    }
}
