//! The engine: compiled policies × request → decision.
//!
//! Pure and total: no I/O, no clock, no panic, no allocation per decision. Time, like every other
//! attribute of the request, is asked for only when a rule that is still in question needs it.
//!
//! Order (Istio, "Authorization policy", evaluation): a caller with a malformed or foreign
//! identity is denied; then ANY `Deny` rule that matches denies; then ANY `Allow` rule that
//! matches allows; else the request is denied, unless every policy leaves it be. Policies for the
//! same workload add up: their rules are as those of one. Of several rules that match, the first
//! is named.

mod attribute;
mod caller;
mod compile;
mod compiled_rule;
mod decision;
mod evaluation;
mod index;
mod nearest;
mod pattern_index;
mod record;
mod request;
mod residual;

use std::sync::Arc;

use crate::decision_id::DecisionKey;
use crate::identity::{ClientCertificate, PeerIdentity, TrustDomains};
use crate::plugin_config::{
    CertificateValidation, KnownGateway, PolicyDigest, PolicyName, ProxyDescription,
};
use crate::reporting::Reporting;
use crate::rule_spec::{Effect, Enforcement, Otherwise};
use crate::telemetry::{DecisionEffect, ReasonCode};
use crate::timestamp::Phase;

pub use attribute::{Attribute, Differences};
pub use decision::{Decision, Outcome, Reason};
pub use nearest::NearMiss;
pub use request::{MetadataText, PeerIp, Request, RequestAttributes, path_without_query};

use caller::Caller;
pub use compiled_rule::CompiledRule;
use evaluation::Evaluation;
use index::RuleIndex;

/// A policy in the form in which it is enforced, with the others that are for the same workload.
#[derive(Debug)]
pub struct CompiledPolicy {
    name: PolicyName,
    revision: Option<String>,
    trust_domains: TrustDomains,
    /// What follows the trust domain in the SPIFFE IDs of the mesh's gateways.
    gateways: Vec<Box<str>>,
    enforcement: Enforcement,
    otherwise: Otherwise,
    /// What the policies themselves specify, regardless of the mesh default.
    otherwise_of_policies: Otherwise,
    reporting: Reporting,
    decision_key: Option<DecisionKey>,
    known_gateways: Vec<KnownGateway>,
    at_gateway: bool,
    /// Whether client certificates from outside the mesh are callers of their own.
    takes_client_certificates: bool,
    policies: Vec<EnforcedPolicy>,
    yields: bool,
    rules: Vec<CompiledRule>,
    deny: RuleIndex,
    allow: RuleIndex,
    /// The rules that are only recorded.
    recorded: RuleIndex,
}

/// One of the policies that are enforced together.
#[derive(Debug)]
pub struct EnforcedPolicy {
    name: Arc<PolicyName>,
    digest: PolicyDigest,
}

impl EnforcedPolicy {
    /// The policy's namespace and name.
    pub fn name(&self) -> &PolicyName {
        &self.name
    }

    /// A digest of what is enforced of it.
    pub fn digest(&self) -> &PolicyDigest {
        &self.digest
    }
}

impl CompiledPolicy {
    /// The namespace and name of the policy that leads.
    pub fn name(&self) -> &PolicyName {
        &self.name
    }

    /// The policies that are enforced together, the leading one first.
    pub fn policies(&self) -> &[EnforcedPolicy] {
        &self.policies
    }

    /// Whether the filter of another policy may have enforced this one along.
    pub fn yields(&self) -> bool {
        self.yields
    }

    /// How the filter in a proxy learns whether a client's certificate was validated.
    pub fn certificate_validation(
        &self,
        proxy: &ProxyDescription<impl Fn(&str) -> Option<String>>,
    ) -> CertificateValidation {
        proxy.certificate_validation(&self.known_gateways, self.at_gateway)
    }

    /// Whether client certificates from outside the mesh are callers of their own.
    pub fn takes_client_certificates(&self) -> bool {
        self.takes_client_certificates
    }

    /// Which state of the documents the policy was rendered from.
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// Whether decisions are carried out.
    pub fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// What becomes of a request that no rule matches.
    pub fn otherwise(&self) -> Otherwise {
        self.otherwise
    }

    /// What is to be told of decisions.
    pub fn reporting(&self) -> &Reporting {
        &self.reporting
    }

    /// The key of the ids of the policy's decisions.
    pub fn decision_key(&self) -> Option<&DecisionKey> {
        self.decision_key.as_ref()
    }

    /// The rules, those of the leading policy first, in the order of the documents.
    pub fn rules(&self) -> &[CompiledRule] {
        &self.rules
    }

    /// Whether a caller has an identity of the mesh.
    pub fn is_of_mesh(&self, peer: PeerIdentity<'_>) -> bool {
        matches!(self.caller(peer), Ok(Caller::Workload(_)))
    }

    /// Whether what a caller sends comes from somebody who is not of the mesh: it has no identity of
    /// the mesh, or is a gateway, which relays what others send.
    pub fn is_stranger(&self, peer: PeerIdentity<'_>) -> bool {
        match self.caller(peer) {
            Ok(Caller::Workload(id)) => self.gateways.iter().any(|path| **path == *id.path()),
            Ok(Caller::Anonymous | Caller::Certificate(_)) | Err(_) => true,
        }
    }

    /// What a rule does where it matches and decides, or is recorded: its effect and its reason, as
    /// metrics and logs have them.
    pub fn recorded_as(&self, rule: &CompiledRule) -> (DecisionEffect, ReasonCode) {
        let enforcement = if rule.is_shadow {
            Enforcement::Shadow
        } else {
            self.enforcement
        };
        let reason = match rule.effect {
            Effect::Allow => ReasonCode::AllowedByRule,
            Effect::Deny => ReasonCode::DeniedByRule,
            Effect::Audit | Effect::Custom => ReasonCode::MatchedByRule,
        };
        (DecisionEffect::new(rule.effect, enforcement), reason)
    }

    /// Decides about a request.
    pub fn evaluate(&self, request: &impl RequestAttributes) -> Decision<'_> {
        Decision {
            reason: self.reason(request, self.otherwise),
            enforcement: self.enforcement,
        }
    }

    /// Decides a request that other policies have decided by the mesh's default already: these may
    /// deny it, and do not ask the mesh again.
    pub fn evaluate_without_mesh(&self, request: &impl RequestAttributes) -> Decision<'_> {
        Decision {
            reason: self.reason(request, self.otherwise_of_policies),
            enforcement: self.enforcement,
        }
    }

    /// The denial of a request that is denied whatever is allowed: by a `Deny` rule, or because its caller
    /// has a malformed or foreign identity.
    pub fn refuse(&self, request: &impl RequestAttributes) -> Option<Decision<'_>> {
        let reason = match self.caller_of(request) {
            Ok(caller) => self.denial(&Evaluation::new(caller, request))?,
            Err(refusal) => refusal,
        };
        Some(Decision {
            reason,
            enforcement: self.enforcement,
        })
    }

    fn reason(&self, request: &impl RequestAttributes, otherwise: Otherwise) -> Reason<'_> {
        match self.caller_of(request) {
            Ok(caller) => {
                let evaluation = Evaluation::new(caller, request);
                self.denial(&evaluation)
                    .unwrap_or_else(|| self.allowance(&evaluation, otherwise))
            }
            Err(refusal) => refusal,
        }
    }

    /// What the `Deny` rules say of a request.
    fn denial(&self, evaluation: &Evaluation<'_, impl RequestAttributes>) -> Option<Reason<'_>> {
        let denied = self.deny.first_match(&self.rules, evaluation, 0);
        self.rule(denied.rule).map(Reason::DeniedByRule)
    }

    /// What the `Allow` rules say of a request that is not denied, and else `otherwise`.
    fn allowance(
        &self,
        evaluation: &Evaluation<'_, impl RequestAttributes>,
        otherwise: Otherwise,
    ) -> Reason<'_> {
        let allowed = self.allow.first_match(&self.rules, evaluation, 0);
        if let Some(rule) = self.rule(allowed.rule) {
            return Reason::AllowedByRule(rule);
        }
        if otherwise == Otherwise::Pass {
            return Reason::NotDenied;
        }
        match (&evaluation.caller, self.rule(allowed.lapsed)) {
            (_, Some(rule)) => match rule.phase(evaluation.request) {
                Phase::Before => Reason::RuleNotYetValid(rule),
                Phase::Within | Phase::After => Reason::ExpiredRule(rule),
            },
            (Caller::Anonymous, None) if evaluation.request.peer() == PeerIdentity::Unvalidated => {
                Reason::UnvalidatedCertificate
            }
            (Caller::Anonymous, None) => Reason::NoIdentity,
            (Caller::Workload(_) | Caller::Certificate(_), None) => Reason::NoRuleMatched,
        }
    }

    /// The rules that match the request and are only recorded, in their order. They take no part in
    /// [`evaluate`](Self::evaluate).
    pub fn recorded_matches<'p>(
        &'p self,
        request: &impl RequestAttributes,
    ) -> impl Iterator<Item = &'p CompiledRule> {
        let caller = if self.recorded.is_empty() {
            None
        } else {
            self.caller_of(request).ok()
        };
        let evaluation = caller.map(|caller| Evaluation::new(caller, request));
        let mut next = 0;
        std::iter::from_fn(move || {
            let evaluation = evaluation.as_ref()?;
            let found = self.recorded.first_match(&self.rules, evaluation, next);
            next = found.rule?.saturating_add(1);
            self.rule(found.rule)
        })
    }

    /// The certificate of a caller from outside the mesh, where it is a caller of its own.
    pub fn client_certificate<'r>(
        &self,
        request: &'r impl RequestAttributes,
    ) -> Option<&'r ClientCertificate> {
        match self.caller_of(request) {
            Ok(Caller::Certificate(certificate)) => Some(certificate),
            Ok(Caller::Anonymous | Caller::Workload(_)) | Err(_) => None,
        }
    }

    /// Who sends a request. A client certificate from outside the mesh is a caller at gateways alone, and
    /// only if no policy there denies all such callers.
    fn caller_of<'r>(
        &self,
        request: &'r impl RequestAttributes,
    ) -> Result<Caller<'r>, Reason<'static>> {
        let peer = request.peer();
        let caller = self.caller(peer);
        if !self.takes_client_certificates
            || peer == PeerIdentity::Unvalidated
            || matches!(caller, Ok(Caller::Workload(_)))
        {
            return caller;
        }
        match request.client_certificate() {
            Some(certificate) => Ok(Caller::Certificate(certificate)),
            None => caller,
        }
    }

    fn caller<'r>(&self, peer: PeerIdentity<'r>) -> Result<Caller<'r>, Reason<'static>> {
        match peer {
            PeerIdentity::Absent | PeerIdentity::Unvalidated => Ok(Caller::Anonymous),
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
