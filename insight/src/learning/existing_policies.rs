//! Existing policies, evaluated by the engine.

use std::collections::BTreeMap;

use policy_schema::diagnostic::SourceText;
use policy_schema::edit::PolicyText;
use policy_schema::engine::{CompiledPolicy, CompiledRule, Reason, Request};
use policy_schema::identity::{PeerIdentity, TrustDomains};
use policy_schema::matching::PathMatch;
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::{IstioVersion, PolicySet};
use policy_schema::rule_spec::{Effect, Enforcement};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, Validated, validate};

use super::observed::Observation;
use super::workload::{Call, ExistingDecision};
use crate::compilation::{CompilationError, compile};
use crate::policy_text::{InvalidEdit, NotEditable};

/// The existing policies.
#[derive(Debug)]
pub struct ExistingPolicies {
    /// The texts of the policies and the `Mesh`.
    pub(super) sources: Vec<SourceText>,
    pub(super) options: Options,
    set: PolicySet,
    compiled: BTreeMap<PolicyName, CompiledPolicy>,
    /// The workload port of the requests, if given.
    port: Option<u16>,
}

/// Why the existing policies cannot be used.
#[derive(Debug)]
pub enum ExistingPoliciesError {
    /// The texts are invalid.
    InvalidEdit(InvalidEdit),
    /// A policy cannot be compiled.
    Compilation(CompilationError),
}

impl From<CompilationError> for ExistingPoliciesError {
    fn from(reason: CompilationError) -> Self {
        Self::Compilation(reason)
    }
}

impl ExistingPolicies {
    /// Creates the existing policies from validated texts.
    pub fn new(
        sources: Vec<SourceText>,
        set: PolicySet,
        options: Options,
        port: Option<u16>,
    ) -> Result<Self, CompilationError> {
        let compiled = set
            .policies()
            .iter()
            .map(|policy| Ok((policy.name().clone(), compile(&set, policy, &[])?)));
        Ok(Self {
            compiled: compiled.collect::<Result<_, CompilationError>>()?,
            sources,
            options,
            set,
            port,
        })
    }

    /// Creates a mesh without policies.
    pub fn nothing(
        trust_domain: &str,
        accepts_plaintext: bool,
        at: Timestamp,
    ) -> Result<Self, ExistingPoliciesError> {
        let mode = if accepts_plaintext {
            "Permissive"
        } else {
            "Strict"
        };
        let text = format!(
            "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata:\n  name: mesh\nspec:\n  \
             trustDomain: \"{trust_domain}\"\n  istioVersion: \"{}\"\n  mtls:\n    mode: {mode}\n",
            IstioVersion::NEWEST
        );
        let options = Options {
            at,
            istio_version: None,
        };
        let mesh = SourceText {
            name: "<mesh>".to_owned(),
            text,
        };
        Self::validated(vec![mesh], options, None)
    }

    /// The policies after replacing the texts.
    pub(super) fn with(&self, sources: Vec<SourceText>) -> Result<Self, ExistingPoliciesError> {
        Self::validated(sources, self.options, self.port)
    }

    fn validated(
        sources: Vec<SourceText>,
        options: Options,
        port: Option<u16>,
    ) -> Result<Self, ExistingPoliciesError> {
        let Validated {
            policies,
            diagnostics,
            ..
        } = validate(&sources, options);
        match policies {
            Some(set) => Ok(Self::new(sources, set, options, port)?),
            None => Err(ExistingPoliciesError::InvalidEdit(InvalidEdit {
                texts: sources,
                diagnostics,
            })),
        }
    }

    /// The sources as editable texts.
    pub(super) fn texts(&self) -> Result<Vec<PolicyText<'_>>, NotEditable> {
        let texts = self.sources.iter().map(|source| {
            PolicyText::parse(&source.text).map_err(|reason| NotEditable::new(&source.name, reason))
        });
        texts.collect()
    }

    pub(super) fn trust_domains(&self) -> &TrustDomains {
        self.set.mesh().trust_domains()
    }

    /// The enforcement of a policy. None if it does not exist.
    pub(super) fn enforcement(&self, name: &PolicyName) -> Option<Enforcement> {
        self.compiled.get(name).map(CompiledPolicy::enforcement)
    }

    /// The rule IDs of a policy.
    pub(crate) fn rule_ids(&self, name: &PolicyName) -> impl Iterator<Item = String> {
        let rules = self.compiled.get(name).into_iter();
        rules
            .flat_map(CompiledPolicy::rules)
            .filter(move |rule| rule.policy() == name)
            .map(|rule| rule.id().to_owned())
    }

    /// The existing decision about an observed request.
    pub(super) fn existing_decision(&self, seen: &Observation) -> ExistingDecision {
        let Some(policy) = self.compiled.get(&seen.policy) else {
            return self.unknown(seen);
        };
        let peer = PeerIdentity::from_uri_san(seen.peer.as_deref().map(str::as_bytes));
        let request = Request {
            method: seen.method.as_deref().map(str::as_bytes),
            path: seen.path.as_deref().map(str::as_bytes),
            authority: seen.host.as_deref().map(str::as_bytes),
            port: self.port,
            ..Request::from_peer(peer, seen.tally.period.last)
        };
        match policy.evaluate(&request).reason() {
            Reason::AllowedByRule(_) | Reason::NotDenied => return ExistingDecision::Allowed,
            Reason::DeniedByRule(rule) => {
                let now = Request {
                    now: self.options.at,
                    ..request
                };
                let is_refused_now =
                    matches!(policy.evaluate(&now).reason(), Reason::DeniedByRule(_));
                let rule = rule.id().to_owned();
                return if is_refused_now {
                    ExistingDecision::Denied(rule)
                } else {
                    ExistingDecision::DeniedEarlier(rule)
                };
            }
            Reason::NoIdentity
            | Reason::UnvalidatedCertificate
            | Reason::MalformedIdentity
            | Reason::ForeignTrustDomain
            | Reason::ExpiredRule(_)
            | Reason::RuleNotYetValid(_)
            | Reason::NoRuleMatched => {}
        }
        // A rule may depend on a port or claim that the log does not contain. The filter has seen it.
        let is_that = |rule: &CompiledRule| Some(rule.id()) == seen.allowed_by.as_deref();
        let mut rules = policy.rules().iter();
        if rules.any(|rule| rule.effect() == Effect::Allow && is_that(rule)) {
            return ExistingDecision::Allowed;
        }
        if allows_in_shadow(policy, &request) {
            ExistingDecision::AllowedInShadow
        } else {
            self.unknown(seen)
        }
    }

    /// Whether enforced or shadow rules allow a call, after path normalization.
    pub(super) fn allows(&self, policy: &PolicyName, call: &Call) -> bool {
        let Some(policy) = self.compiled.get(policy) else {
            return false;
        };
        let normalization = self.set.mesh().path_normalization();
        let Ok(path) = normalization.normalize(call.path.as_bytes()) else {
            return false;
        };
        let peer = call.caller.peer(self.trust_domains());
        let peer = PeerIdentity::from_uri_san(peer.as_deref().map(str::as_bytes));
        let request = Request {
            method: Some(call.method.as_bytes()),
            path: Some(&path),
            port: self.port,
            ..Request::from_peer(peer, self.options.at)
        };
        match policy.evaluate(&request).reason() {
            Reason::AllowedByRule(_) | Reason::NotDenied => true,
            Reason::DeniedByRule(_) => false,
            Reason::NoIdentity
            | Reason::UnvalidatedCertificate
            | Reason::MalformedIdentity
            | Reason::ForeignTrustDomain
            | Reason::ExpiredRule(_)
            | Reason::RuleNotYetValid(_)
            | Reason::NoRuleMatched => allows_in_shadow(policy, &request),
        }
    }

    /// The decision about a request that no rule matches. A rule for a path that is not normalized would never match.
    fn unknown(&self, seen: &Observation) -> ExistingDecision {
        let path = seen.path.as_deref().map(PathMatch::parse);
        match path {
            Some(Ok(path))
                if self
                    .set
                    .mesh()
                    .path_normalization()
                    .removes(&path)
                    .is_some() =>
            {
                ExistingDecision::NotNormalized
            }
            Some(_) | None => ExistingDecision::Undecided,
        }
    }
}

/// Whether a shadow rule would allow the request.
fn allows_in_shadow(policy: &CompiledPolicy, request: &Request<'_>) -> bool {
    let mut matches = policy.recorded_matches(request);
    matches.any(|rule| rule.is_shadow() && rule.effect() == Effect::Allow)
}
