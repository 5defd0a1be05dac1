//! The engine: compiled policy × request → decision.
//!
//! Pure and total: no I/O, no clock, no panic, no allocation per decision. Time, like every other
//! attribute of the request, is asked for only when a rule that is still in question needs it.
//!
//! Order (Istio, "Authorization policy", evaluation): a caller with a malformed or foreign
//! identity is denied; then ANY `Deny` rule that matches denies; then ANY `Allow` rule that
//! matches allows; else the request is denied. Of several rules that match, the first in the
//! document is named.

mod decision;
mod index;
mod pattern_index;
mod request;
mod residual;

use crate::identity::{PeerIdentity, TrustDomains};
use crate::plugin_config::{ConfigError, PluginConfig, PolicyName};
use crate::rule_spec::{Effect, Enforcement};
use crate::timestamp::{Phase, Validity};

pub use decision::{Decision, Reason};
pub use request::{Request, RequestAttributes, path_without_query};

use index::{Caller, IndexBuilder, RuleIndex};
use residual::{ResidualOperation, ResidualSource};

/// A policy in the form in which it is enforced.
#[derive(Debug)]
pub struct CompiledPolicy {
    name: PolicyName,
    revision: Option<String>,
    trust_domains: TrustDomains,
    enforcement: Enforcement,
    caller_header: bool,
    rules: Vec<CompiledRule>,
    deny: RuleIndex,
    allow: RuleIndex,
    shadow: RuleIndex,
}

/// One rule of a compiled policy.
#[derive(Debug)]
pub struct CompiledRule {
    position: usize,
    id: Box<str>,
    effect: Effect,
    owner: Option<Box<str>>,
    is_shadow: bool,
    validity: Validity,
    /// What the index does not know of the rule's sources, in their order.
    sources: Vec<ResidualSource>,
    /// What the index does not know of the rule's operations, in their order.
    operations: Vec<ResidualOperation>,
}

impl CompiledRule {
    /// The rule's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The rule's position among [`CompiledPolicy::rules`].
    pub fn position(&self) -> usize {
        self.position
    }

    /// When the rule applies.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Where the request lies in time. Without a clock a rule counts against the caller.
    fn phase(&self, request: &impl RequestAttributes) -> Phase {
        if self.validity.is_unlimited() {
            return Phase::Within;
        }
        match (request.now(), self.effect) {
            (Some(now), _) => self.validity.phase(now),
            (None, Effect::Deny) => Phase::Within,
            (None, Effect::Allow) => Phase::After,
        }
    }

    /// What the rule does when it matches.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Whom to ask about the rule.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// Whether matches of the rule are only recorded.
    pub fn is_shadow(&self) -> bool {
        self.is_shadow
    }
}

impl CompiledPolicy {
    /// Reads and compiles the plugin config as the proxy hands it over.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        PluginConfig::from_json(json)?.try_into()
    }

    /// The policy's namespace and name.
    pub fn name(&self) -> &PolicyName {
        &self.name
    }

    /// Which state of the documents the policy was rendered from.
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// Whether decisions are carried out.
    pub fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// Whether the upstream is to be told the verified caller.
    pub fn caller_header(&self) -> bool {
        self.caller_header
    }

    /// The rules, in the order of the document.
    pub fn rules(&self) -> &[CompiledRule] {
        &self.rules
    }

    /// Decides about a request.
    pub fn evaluate(&self, request: &impl RequestAttributes) -> Decision<'_> {
        Decision {
            reason: self.reason(request),
            enforcement: self.enforcement,
        }
    }

    fn reason(&self, request: &impl RequestAttributes) -> Reason<'_> {
        let caller = match self.caller(request.peer()) {
            Ok(caller) => caller,
            Err(reason) => return reason,
        };
        let denied = self.deny.first_match(&self.rules, &caller, request, 0);
        if let Some(rule) = self.rule(denied.rule) {
            return Reason::DeniedByRule(rule);
        }
        let allowed = self.allow.first_match(&self.rules, &caller, request, 0);
        if let Some(rule) = self.rule(allowed.rule) {
            return Reason::AllowedByRule(rule);
        }
        match (caller, self.rule(allowed.lapsed)) {
            (_, Some(rule)) => match rule.phase(request) {
                Phase::Before => Reason::RuleNotYetValid(rule),
                Phase::Within | Phase::After => Reason::ExpiredRule(rule),
            },
            (Caller::Anonymous, None) => Reason::NoIdentity,
            (Caller::Workload(_), None) => Reason::NoRuleMatched,
        }
    }

    /// The shadow rules that match the request, in the order of the document. They say what would
    /// be if they were enforced, and take no part in [`evaluate`](Self::evaluate).
    pub fn shadow_matches<'p>(
        &'p self,
        request: &impl RequestAttributes,
    ) -> impl Iterator<Item = &'p CompiledRule> {
        let caller = if self.shadow.is_empty() {
            None
        } else {
            self.caller(request.peer()).ok()
        };
        let mut next = 0;
        std::iter::from_fn(move || {
            let caller = caller.as_ref()?;
            let found = self.shadow.first_match(&self.rules, caller, request, next);
            next = found.rule?.saturating_add(1);
            self.rule(found.rule)
        })
    }

    fn caller<'r>(&self, peer: PeerIdentity<'r>) -> Result<Caller<'r>, Reason<'static>> {
        match peer {
            PeerIdentity::Absent => Ok(Caller::Anonymous),
            PeerIdentity::Malformed => Err(Reason::MalformedIdentity),
            PeerIdentity::Verified(id) if self.trust_domains.contains(id.trust_domain()) => {
                Ok(Caller::Workload(id))
            }
            PeerIdentity::Verified(_) => Err(Reason::ForeignTrustDomain),
        }
    }

    fn rule(&self, number: Option<usize>) -> Option<&CompiledRule> {
        self.rules.get(number?)
    }
}

impl TryFrom<PluginConfig> for CompiledPolicy {
    type Error = ConfigError;

    fn try_from(config: PluginConfig) -> Result<Self, ConfigError> {
        let config = config.check().map_err(ConfigError::Refused)?;
        let mut deny = IndexBuilder::default();
        let mut allow = IndexBuilder::default();
        let mut shadow = IndexBuilder::default();
        let mut rules = Vec::with_capacity(config.rules.len());
        for (number, rule) in config.rules.into_iter().enumerate() {
            let is_shadow = rule.enforcement == Some(Enforcement::Shadow);
            let index = match (is_shadow, rule.effect) {
                (true, _) => &mut shadow,
                (false, Effect::Deny) => &mut deny,
                (false, Effect::Allow) => &mut allow,
            };
            index.add(number, &rule, &config.trust_domains);
            rules.push(CompiledRule {
                position: number,
                sources: ResidualSource::all_of(rule.sources, &config.trust_domains),
                operations: ResidualOperation::all_of(rule.operations),
                id: rule.id,
                effect: rule.effect,
                owner: rule.owner,
                is_shadow,
                validity: rule.validity,
            });
        }
        Ok(Self {
            name: config.policy,
            revision: config.revision,
            trust_domains: config.trust_domains,
            enforcement: config.enforcement,
            caller_header: config.caller_header,
            rules,
            deny: deny.build(),
            allow: allow.build(),
            shadow: shadow.build(),
        })
    }
}
