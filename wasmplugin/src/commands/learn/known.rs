//! What is allowed already, as the engine decides it.

use std::collections::{BTreeMap, BTreeSet};

use peergate_fault::Failure;
use peergate_insight::compilation::compile;
use peergate_insight::policy_text::NotEditable;
use policy_schema::diagnostic::{Diagnostic, SourceText};
use policy_schema::edit::PolicyText;
use policy_schema::engine::{CompiledPolicy, CompiledRule, Reason, Request};
use policy_schema::identity::{PeerIdentity, TrustDomains};
use policy_schema::matching::PathMatch;
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::{IstioVersion, PolicySet};
use policy_schema::rule_spec::{Effect, Enforcement};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, Validated, validate};

use crate::input::{Input, InputArgs};
use crate::learning::observed::Observation;
use crate::learning::workload::{Call, Standing};
use crate::policies::PoliciesError;
use crate::{policies, report};

/// What is allowed already.
#[derive(Debug)]
pub(super) struct Known {
    /// The texts of the policies, with the `Mesh` among them.
    pub(super) sources: Vec<SourceText>,
    /// Which of them begin with a byte order mark.
    pub(super) marked: BTreeSet<usize>,
    pub(super) options: Options,
    set: PolicySet,
    compiled: BTreeMap<PolicyName, CompiledPolicy>,
    /// The workload's port that the requests arrived at, where somebody says it.
    port: Option<u16>,
}

impl Known {
    /// Reads policies.
    pub(super) fn load(
        input: &InputArgs,
        at: Timestamp,
        port: Option<u16>,
    ) -> Result<Self, Failure> {
        let options = Options {
            at,
            istio_version: None,
        };
        let (input, validated) = policies::read(input, options)?;
        report::diagnostics(&validated.diagnostics, &input.sources);
        Self::of(input, validated, options, port)
    }

    /// A mesh without policies.
    pub(super) fn nothing(
        trust_domain: &str,
        takes_plaintext: bool,
        at: Timestamp,
    ) -> Result<Self, Failure> {
        let mode = if takes_plaintext {
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
        let mut input = Input::default();
        input.sources.push(SourceText {
            name: "<mesh>".to_owned(),
            text,
        });
        let validated = validate(&input.sources, options);
        Self::of(input, validated, options, None)
    }

    fn of(
        input: Input,
        validated: Validated,
        options: Options,
        port: Option<u16>,
    ) -> Result<Self, Failure> {
        let Validated {
            policies,
            diagnostics,
            ..
        } = validated;
        let severities = diagnostics.iter().map(Diagnostic::severity);
        let set = policies.ok_or_else(|| PoliciesError::Invalid(report::counts(severities)))?;
        let compiled = set
            .policies()
            .iter()
            .map(|policy| Ok((policy.name().clone(), compile(&set, policy, &[])?)));
        Ok(Self {
            compiled: compiled.collect::<Result<_, Failure>>()?,
            sources: input.sources,
            marked: input.marked,
            options,
            set,
            port,
        })
    }

    /// What is allowed once these texts are in force, which were validated.
    pub(super) fn with(
        &self,
        sources: Vec<SourceText>,
        validated: Validated,
    ) -> Result<Self, Failure> {
        let input = Input {
            sources,
            ..Input::default()
        };
        Self::of(input, validated, self.options, self.port)
    }

    /// The sources, such that they can be changed.
    pub(super) fn texts(&self) -> Result<Vec<PolicyText<'_>>, NotEditable> {
        let texts = self.sources.iter().map(|source| {
            PolicyText::parse(&source.text).map_err(|reason| NotEditable::new(&source.name, reason))
        });
        texts.collect()
    }

    pub(super) fn trust_domains(&self) -> &TrustDomains {
        self.set.mesh().trust_domains()
    }

    /// Whether there is such a policy, and how its decisions are taken.
    pub(super) fn enforcement(&self, name: &PolicyName) -> Option<Enforcement> {
        self.compiled.get(name).map(CompiledPolicy::enforcement)
    }

    /// The ids of a policy's own rules.
    pub(super) fn rule_ids(&self, name: &PolicyName) -> impl Iterator<Item = String> {
        let rules = self.compiled.get(name).into_iter();
        rules
            .flat_map(CompiledPolicy::rules)
            .filter(move |rule| rule.policy() == name)
            .map(|rule| rule.id().to_owned())
    }

    /// How the request stands with the policy that was asked about it.
    pub(super) fn standing(&self, seen: &Observation) -> Standing {
        let Some(policy) = self.compiled.get(&seen.policy) else {
            return self.unknown(seen);
        };
        let peer = PeerIdentity::from_uri_san(seen.peer.as_deref().map(str::as_bytes));
        let request = Request {
            method: seen.method.as_deref().map(str::as_bytes),
            path: seen.path.as_deref().map(str::as_bytes),
            host: seen.host.as_deref().map(str::as_bytes),
            port: self.port,
            ..Request::of_peer(peer, seen.tally.period.last)
        };
        match policy.evaluate(&request).reason() {
            Reason::AllowedByRule(_) | Reason::NotDenied => return Standing::Known,
            Reason::DeniedByRule(rule) => {
                let now = Request {
                    now: self.options.at,
                    ..request
                };
                let is_refused_now =
                    matches!(policy.evaluate(&now).reason(), Reason::DeniedByRule(_));
                let rule = rule.id().to_owned();
                return if is_refused_now {
                    Standing::Refused(rule)
                } else {
                    Standing::RefusedThen(rule)
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
        // A rule may ask for what the log does not tell, such as a port or a claim. The filter saw it.
        let is_that = |rule: &CompiledRule| Some(rule.id()) == seen.allowed_by.as_deref();
        let mut rules = policy.rules().iter();
        if rules.any(|rule| rule.effect() == Effect::Allow && is_that(rule)) {
            return Standing::Known;
        }
        if allows_in_shadow(policy, &request) {
            Standing::KnownInShadow
        } else {
            self.unknown(seen)
        }
    }

    /// Whether a call is allowed, or would be by rules in shadow, where the proxy normalises its path.
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
            ..Request::of_peer(peer, self.options.at)
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

    /// How a request stands that no rule takes: a rule that names its path may be one that never matches.
    fn unknown(&self, seen: &Observation) -> Standing {
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
                Standing::Unseen
            }
            Some(_) | None => Standing::New,
        }
    }
}

/// Whether a rule in shadow would allow the request.
fn allows_in_shadow(policy: &CompiledPolicy, request: &Request<'_>) -> bool {
    let mut matches = policy.recorded_matches(request);
    matches.any(|rule| rule.is_shadow() && rule.effect() == Effect::Allow)
}
