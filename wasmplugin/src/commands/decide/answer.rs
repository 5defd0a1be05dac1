//! A decision, for people and for programs.

use std::fmt;

use policy_schema::engine::{CompiledPolicy, CompiledRule, Outcome, Reason, Request};
use policy_schema::plugin_config::PolicyName;
use policy_schema::rule_spec::{Effect, Enforcement};
use serde::{Serialize, Serializer};

use crate::exit_status::ExitStatus;

/// What a policy says of a request.
#[derive(Debug, Serialize)]
pub(super) struct Answer<'p> {
    /// What the policy says.
    decision: &'static str,
    /// What happens: a policy in shadow lets pass what it would deny.
    passes: bool,
    #[serde(serialize_with = "code")]
    reason: Reason<'p>,
    rule: Option<&'p str>,
    /// The policy that the rule is from.
    policy: Option<Named<'p>>,
    owner: Option<&'p str>,
    /// What rules in shadow would do.
    shadow: Vec<RecordedMatch<'p>>,
    /// The `Audit` and `Custom` rules that match.
    recorded: Vec<RecordedMatch<'p>>,
    enforcement: Enforcement,
    workload: Named<'p>,
    revision: Option<&'p str>,
}

/// A policy, written as `NAMESPACE/NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named<'p>(&'p PolicyName);

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}

/// A rule that matches and has no say.
#[derive(Debug, Serialize)]
struct RecordedMatch<'p> {
    rule: &'p str,
    policy: Named<'p>,
    effect: &'static str,
    owner: Option<&'p str>,
}

impl<'p> Answer<'p> {
    pub(super) fn new(policy: &'p CompiledPolicy, request: &Request<'_>) -> Self {
        let decision = policy.evaluate(request);
        let rule = decision.reason().rule();
        let (shadow, recorded): (Vec<_>, Vec<_>) = policy
            .recorded_matches(request)
            .partition(|rule| rule.is_shadow());
        let matches = |rules: Vec<_>| rules.into_iter().map(RecordedMatch::from).collect();
        Self {
            decision: match decision.outcome() {
                Outcome::Allowed => "allow",
                Outcome::Denied => "deny",
            },
            passes: decision.lets_pass(),
            reason: decision.reason(),
            rule: rule.map(CompiledRule::id),
            policy: rule.map(|rule| Named(rule.policy())),
            owner: rule.and_then(CompiledRule::owner),
            shadow: matches(shadow),
            recorded: matches(recorded),
            enforcement: decision.enforcement(),
            workload: Named(policy.name()),
            revision: policy.revision(),
        }
    }

    /// How a run about this request alone ends: what counts is whether it passes.
    pub(super) fn status(&self) -> ExitStatus {
        if self.passes {
            ExitStatus::Success
        } else {
            ExitStatus::Negative
        }
    }
}

impl<'p> From<&'p CompiledRule> for RecordedMatch<'p> {
    fn from(rule: &'p CompiledRule) -> Self {
        Self {
            rule: rule.id(),
            policy: Named(rule.policy()),
            effect: word(rule.effect()),
            owner: rule.owner(),
        }
    }
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
        Effect::Audit => "audit",
        Effect::Custom => "custom",
    }
}

fn code<S: Serializer>(reason: &Reason<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(reason.code())
}

/// A few aligned lines.
impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = self.decision;
        match self.enforcement {
            Enforcement::Enforce => writeln!(f, "decision  {effect}")?,
            Enforcement::Shadow => writeln!(
                f,
                "decision  would {effect}; the policy is in shadow, so the request passes"
            )?,
        }
        writeln!(
            f,
            "reason    {}: {}",
            self.reason.code(),
            explanation(self.reason)
        )?;
        if let Some(rule) = self.rule {
            write!(f, "rule      {rule}")?;
            match self.policy {
                Some(policy) if policy != self.workload => writeln!(f, " of policy {}", policy.0)?,
                _ => writeln!(f)?,
            }
        }
        if let Some(owner) = self.owner {
            writeln!(f, "owner     {}", Printable(owner))?;
        }
        for shadow in &self.shadow {
            write!(f, "shadow    rule {} would {}", shadow.rule, shadow.effect)?;
            shadow.write_rest(f, self.workload)?;
        }
        for recorded in &self.recorded {
            write!(f, "{:10}rule {} matches", recorded.effect, recorded.rule)?;
            recorded.write_rest(f, self.workload)?;
        }
        write!(f, "policy    {}", self.workload.0)?;
        match self.revision {
            Some(revision) => writeln!(f, ", revision {revision}"),
            None => writeln!(f),
        }
    }
}

impl RecordedMatch<'_> {
    fn write_rest(&self, f: &mut fmt::Formatter<'_>, workload: Named<'_>) -> fmt::Result {
        if self.policy != workload {
            write!(f, ", policy {}", self.policy.0)?;
        }
        match self.owner {
            Some(owner) => writeln!(f, ", owner {}", Printable(owner)),
            None => writeln!(f),
        }
    }
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

/// Free text, on one line and without what would control a terminal.
struct Printable<'t>(&'t str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&annotate_snippets::normalize_untrusted_str(self.0))
    }
}
