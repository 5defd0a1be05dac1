//! The engine: compiled policies × request → decision.
//!
//! Pure and total: no I/O, no clock, no panic, no allocation per decision. Each attribute of the
//! request, including the time, is fetched only when a candidate rule needs it.
//!
//! Order (Istio, "Authorization policy", evaluation): a caller with a malformed or foreign identity
//! is denied; then ANY `Deny` rule that matches denies; then ANY `Allow` rule that matches allows;
//! else the request is denied, unless every policy has `otherwise: Pass`. Policies for the same
//! workload are combined as if their rules were in one policy. If several rules match, the first is
//! reported.

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
pub use decision::{Decision, DecisionOutcome, Reason};
pub use nearest::NearMiss;
pub use request::{MetadataText, PeerIp, Request, RequestAttributes, path_without_query};

pub use caller::CallerClasses;
use caller::EngineCaller;
pub use compiled_rule::CompiledRule;
use evaluation::Evaluation;
use index::RuleIndex;

/// The maximum number of classes per index that [`CallerClasses`] keep.
const MAX_KEPT_CLASSES: usize = 64;

/// A policy compiled for evaluation, with the other policies for the same workload.
#[derive(Debug)]
pub struct CompiledPolicy {
    name: PolicyName,
    revision: Option<String>,
    trust_domains: TrustDomains,
    /// The SPIFFE IDs of the mesh's gateways, without the trust domain.
    gateways: Vec<Box<str>>,
    enforcement: Enforcement,
    otherwise: Otherwise,
    /// What the policies themselves specify, regardless of the mesh default.
    otherwise_of_policies: Otherwise,
    reporting: Reporting,
    decision_key: Option<DecisionKey>,
    known_gateways: Vec<KnownGateway>,
    at_gateway: bool,
    /// Whether client certificates from outside the mesh identify callers.
    accepts_client_certificates: bool,
    policies: Vec<EnforcedPolicy>,
    may_be_led: bool,
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

    /// A digest of everything that affects the policy's decisions.
    pub fn digest(&self) -> &PolicyDigest {
        &self.digest
    }
}

impl CompiledPolicy {
    /// The namespace and name of the leader.
    pub fn name(&self) -> &PolicyName {
        &self.name
    }

    /// The policies that are enforced together, the leader first.
    pub fn policies(&self) -> &[EnforcedPolicy] {
        &self.policies
    }

    /// Whether the filter of another policy may enforce this one.
    #[inline]
    pub fn may_be_led(&self) -> bool {
        self.may_be_led
    }

    /// How the filter in a proxy learns whether a client certificate was validated.
    pub fn certificate_validation(
        &self,
        proxy: &ProxyDescription<impl Fn(&str) -> Option<String>>,
    ) -> CertificateValidation {
        proxy.certificate_validation(&self.known_gateways, self.at_gateway)
    }

    /// Whether client certificates from outside the mesh identify callers.
    pub fn accepts_client_certificates(&self) -> bool {
        self.accepts_client_certificates
    }

    /// The revision of the documents that the policy was rendered from.
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// Whether decisions are enforced.
    #[inline]
    pub fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// What happens to a request that no rule matches.
    #[inline]
    pub fn otherwise(&self) -> Otherwise {
        self.otherwise
    }

    /// What the filter reports about decisions.
    #[inline]
    pub fn reporting(&self) -> &Reporting {
        &self.reporting
    }

    /// The key for the policy's decision IDs.
    pub fn decision_key(&self) -> Option<&DecisionKey> {
        self.decision_key.as_ref()
    }

    /// The rules, in document order, those of the leader first.
    #[inline]
    pub fn rules(&self) -> &[CompiledRule] {
        &self.rules
    }

    /// Whether a caller has an identity of the mesh.
    pub fn is_mesh_identity(&self, peer: PeerIdentity<'_>) -> bool {
        matches!(self.caller(peer), Ok(EngineCaller::Workload(_)))
    }

    /// The rules that may match a workload of the mesh, for
    /// [`RequestAttributes::caller_classes`]. `None` for every other caller, and for one whose ID
    /// matches so many patterns that they are not worth keeping.
    pub fn classes_of(&self, peer: PeerIdentity<'_>) -> Option<CallerClasses> {
        let caller = self.caller(peer).ok()?;
        if !matches!(caller, EngineCaller::Workload(_)) {
            return None;
        }
        let few = |index: &RuleIndex| {
            let classes = index.classes_of(&caller);
            (classes.len() <= MAX_KEPT_CLASSES).then(|| classes.into_boxed_slice())
        };
        Some(CallerClasses {
            deny: few(&self.deny)?,
            allow: few(&self.allow)?,
            recorded: few(&self.recorded)?,
        })
    }

    /// Whether any rule is only recorded.
    #[inline]
    pub fn has_recorded_rules(&self) -> bool {
        !self.recorded.is_empty()
    }

    /// Whether the caller is a stranger: it has no identity of the mesh, or is a gateway, which
    /// forwards requests of others.
    pub fn is_stranger(&self, peer: PeerIdentity<'_>) -> bool {
        match self.caller(peer) {
            Ok(EngineCaller::Workload(id)) => self.gateways.iter().any(|path| **path == *id.path()),
            Ok(EngineCaller::Anonymous | EngineCaller::Certificate(_)) | Err(_) => true,
        }
    }

    /// The effect and reason that metrics and logs report for a rule that decides or is recorded.
    pub fn recorded_effect(&self, rule: &CompiledRule) -> (DecisionEffect, ReasonCode) {
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

    /// Decides a request.
    pub fn evaluate(&self, request: &impl RequestAttributes) -> Decision<'_> {
        Decision {
            reason: self.reason(request, self.otherwise),
            enforcement: self.enforcement,
        }
    }

    /// Decides a request to which earlier filters have already applied the mesh default: these
    /// policies may deny it, and the default is not applied again.
    pub fn evaluate_without_mesh(&self, request: &impl RequestAttributes) -> Decision<'_> {
        Decision {
            reason: self.reason(request, self.otherwise_of_policies),
            enforcement: self.enforcement,
        }
    }

    /// The denial of a request regardless of `Allow` rules: by a `Deny` rule, or because its caller
    /// has a malformed or foreign identity.
    pub fn unconditional_denial(&self, request: &impl RequestAttributes) -> Option<Decision<'_>> {
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

    /// The denial by a `Deny` rule, if one matches.
    fn denial(&self, evaluation: &Evaluation<'_, impl RequestAttributes>) -> Option<Reason<'_>> {
        let classes = evaluation.classes.map(|classes| &*classes.deny);
        let denied = self.deny.first_match(&self.rules, evaluation, classes, 0);
        self.rule(denied.rule).map(Reason::DeniedByRule)
    }

    /// The result of the `Allow` rules for a request that is not denied, or else of `otherwise`.
    fn allowance(
        &self,
        evaluation: &Evaluation<'_, impl RequestAttributes>,
        otherwise: Otherwise,
    ) -> Reason<'_> {
        let classes = evaluation.classes.map(|classes| &*classes.allow);
        let allowed = self.allow.first_match(&self.rules, evaluation, classes, 0);
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
            (EngineCaller::Anonymous, None)
                if evaluation.request.peer() == PeerIdentity::Unvalidated =>
            {
                Reason::UnvalidatedCertificate
            }
            (EngineCaller::Anonymous, None) => Reason::NoIdentity,
            (EngineCaller::Workload(_) | EngineCaller::Certificate(_), None) => {
                Reason::NoRuleMatched
            }
        }
    }

    /// The matching rules that are only recorded, in order. They do not affect
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
            let classes = evaluation.classes.map(|classes| &*classes.recorded);
            let found = self
                .recorded
                .first_match(&self.rules, evaluation, classes, next);
            next = found.rule?.saturating_add(1);
            self.rule(found.rule)
        })
    }

    /// The certificate that identifies a caller from outside the mesh.
    pub fn client_certificate<'r>(
        &self,
        request: &'r impl RequestAttributes,
    ) -> Option<&'r ClientCertificate> {
        match self.caller_of(request) {
            Ok(EngineCaller::Certificate(certificate)) => Some(certificate),
            Ok(EngineCaller::Anonymous | EngineCaller::Workload(_)) | Err(_) => None,
        }
    }

    /// The caller of a request. A client certificate from outside the mesh identifies a caller only
    /// at gateways, and only if no policy there denies all such callers.
    fn caller_of<'r>(
        &self,
        request: &'r impl RequestAttributes,
    ) -> Result<EngineCaller<'r>, Reason<'static>> {
        let peer = request.peer();
        if let (PeerIdentity::Verified(id), Some(_)) = (peer, request.caller_classes()) {
            return Ok(EngineCaller::Workload(id));
        }
        let caller = self.caller(peer);
        if !self.accepts_client_certificates
            || peer == PeerIdentity::Unvalidated
            || matches!(caller, Ok(EngineCaller::Workload(_)))
        {
            return caller;
        }
        match request.client_certificate() {
            Some(certificate) => Ok(EngineCaller::Certificate(certificate)),
            None => caller,
        }
    }

    #[inline]
    fn caller<'r>(&self, peer: PeerIdentity<'r>) -> Result<EngineCaller<'r>, Reason<'static>> {
        match peer {
            PeerIdentity::Absent | PeerIdentity::Unvalidated => Ok(EngineCaller::Anonymous),
            PeerIdentity::Malformed => Err(Reason::MalformedIdentity),
            PeerIdentity::Verified(id) if self.trust_domains.contains(id.trust_domain()) => {
                Ok(EngineCaller::Workload(id))
            }
            PeerIdentity::Verified(_) => Err(Reason::ForeignTrustDomain),
        }
    }

    #[inline]
    fn rule(&self, number: Option<usize>) -> Option<&CompiledRule> {
        self.rules.get(number?)
    }
}
