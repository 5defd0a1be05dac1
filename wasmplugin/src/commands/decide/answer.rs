//! A decision, for people and for programs.

use std::fmt;

use policy_schema::engine::{CompiledPolicy, CompiledRule, Reason, Request};
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
    owner: Option<&'p str>,
    /// What rules in shadow would do.
    shadow: Vec<ShadowMatch<'p>>,
    enforcement: Enforcement,
    #[serde(serialize_with = "name")]
    workload: &'p PolicyName,
    revision: Option<&'p str>,
}

/// A rule in shadow that matches.
#[derive(Debug, Serialize)]
struct ShadowMatch<'p> {
    rule: &'p str,
    effect: &'static str,
    owner: Option<&'p str>,
}

impl<'p> Answer<'p> {
    pub(super) fn new(policy: &'p CompiledPolicy, request: &Request<'_>) -> Self {
        let decision = policy.evaluate(request);
        let rule = decision.reason().rule();
        Self {
            decision: word(decision.effect()),
            passes: decision.lets_pass(),
            reason: decision.reason(),
            rule: rule.map(CompiledRule::id),
            owner: rule.and_then(CompiledRule::owner),
            shadow: policy
                .shadow_matches(request)
                .map(ShadowMatch::from)
                .collect(),
            enforcement: decision.enforcement(),
            workload: policy.name(),
            revision: policy.revision(),
        }
    }

    /// How a run about this request alone ends: what counts is whether it passes.
    pub(super) fn status(&self) -> ExitStatus {
        if self.passes {
            ExitStatus::Success
        } else {
            ExitStatus::Deny
        }
    }
}

impl<'p> From<&'p CompiledRule> for ShadowMatch<'p> {
    fn from(rule: &'p CompiledRule) -> Self {
        Self {
            rule: rule.id(),
            effect: word(rule.effect()),
            owner: rule.owner(),
        }
    }
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    }
}

fn code<S: Serializer>(reason: &Reason<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(reason.code())
}

fn name<S: Serializer>(name: &PolicyName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(name)
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
            writeln!(f, "rule      {rule}")?;
        }
        if let Some(owner) = self.owner {
            writeln!(f, "owner     {}", Printable(owner))?;
        }
        for shadow in &self.shadow {
            write!(f, "shadow    rule {} would {}", shadow.rule, shadow.effect)?;
            match shadow.owner {
                Some(owner) => writeln!(f, ", owner {}", Printable(owner))?,
                None => writeln!(f)?,
            }
        }
        write!(f, "policy    {}", self.workload)?;
        match self.revision {
            Some(revision) => writeln!(f, ", revision {revision}"),
            None => writeln!(f),
        }
    }
}

fn explanation(reason: Reason<'_>) -> &'static str {
    match reason {
        Reason::AllowedByRule(_) => "the rule allows it",
        Reason::DeniedByRule(_) => "the rule denies it",
        Reason::NoIdentity => "the caller has no identity, and no rule takes it without",
        Reason::MalformedIdentity => "what the caller presents is not a SPIFFE ID of a workload",
        Reason::ForeignTrustDomain => "the caller's trust domain is not one of the mesh's",
        Reason::ExpiredRule(_) => "the rule would allow it, but has expired",
        Reason::RuleNotYetValid(_) => "the rule would allow it, but does not apply yet",
        Reason::NoRuleMatched => "no rule allows it",
    }
}

/// Free text, on one line and without what would control a terminal.
struct Printable<'t>(&'t str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&annotate_snippets::normalize_untrusted_str(self.0))
    }
}
