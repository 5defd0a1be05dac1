//! Handles a request: fetches attributes, decides, and carries out the decision.

use std::fmt;

use peergate_engine::engine::{
    CompiledPolicy, CompiledRule, Decision, DecisionOutcome, Reason, RequestAttributes as _,
};
use peergate_engine::plugin_config::{ConfigError, ProxyDescription, ProxyKind};
use peergate_engine::reporting::{ReportedRequests, UpstreamHeader};
use peergate_engine::rule_spec::{Effect, Enforcement};

use crate::announcement::{Announcement, OwnPolicies, Passage};
use crate::attributes::HostAttributes;
use crate::decision_log::DecisionLog;
use crate::denial::Denial;
use crate::host::Host;
use crate::metrics::Counters;
use crate::peer_certificates::{KnownCertificate, PeerCertificates};
#[cfg(feature = "compare-rbac")]
use crate::rbac_comparison;
use crate::{access_log, learning, reply, upstream_header};

/// The prefixes of properties of the proxy's node. Old versions of Envoy only have the second.
const NODE: [&[u8]; 2] = [b"xds\0node\0", b"node\0"];
/// In Istio's node metadata.
const NAMESPACE: &[u8] = b"metadata\0NAMESPACE";
const LABELS: &[u8] = b"metadata\0LABELS\0";
const ID: &[u8] = b"id";

/// An active policy.
#[derive(Debug)]
pub struct Enforcer {
    policy: CompiledPolicy,
    /// The announcement for later filters. `None` if no other policy is enforced together with this
    /// one.
    announced: Option<OwnPolicies>,
    counters: Counters,
    log: DecisionLog,
    certificates: PeerCertificates,
    /// Whether an allowed request is only counted.
    only_counts: bool,
}

/// The result of enforcement for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It continues to the next filter. `None` if another policy's filter decided it.
    Pass(Option<DecisionOutcome>),
    /// The filter has sent a reply.
    Answered,
}

impl Enforcer {
    /// Activates the policies of a plugin config that select this workload.
    pub fn new(config: &[u8], host: &impl Host) -> Result<Self, ConfigError> {
        let proxy = describe_proxy(host);
        let policy = CompiledPolicy::for_workload(config, &proxy.label)?;
        let validation = policy.certificate_validation(&proxy);
        let announced = OwnPolicies::new(&policy);
        Ok(Self {
            only_counts: announced.is_none() && only_counts(&policy),
            counters: Counters::define(&policy, validation, host),
            log: DecisionLog::new(policy.reporting().lines_per_second),
            certificates: PeerCertificates::new(validation, policy.accepts_client_certificates()),
            announced,
            policy,
        })
    }

    /// Decides the current request of `host`, and carries out the decision.
    ///
    /// Host calls that return data are the expensive ones. A request that passes costs one for the
    /// caller, and one for each of method, path, host and port that a candidate rule tests.
    /// Counting it is cheap.
    pub fn enforce(&self, host: &impl Host) -> Disposition {
        let announced = self.announced.as_ref().filter(|_| self.policy.may_be_led());
        let followed = announced.and_then(|own| Some((own, Announcement::read(host)?)));
        match followed {
            None => self.decide(host),
            Some((own, earlier)) if earlier.covers(own) => Disposition::Pass(None),
            Some((own, earlier)) => self.follow(own, &earlier, host),
        }
    }

    /// Decides a request that no other filter has decided.
    fn decide<H: Host>(&self, host: &H) -> Disposition {
        let request = HostAttributes::new(host, &self.policy, &self.certificates);
        if self.only_counts
            && let Some(rule) = request
                .known_certificate()
                .and_then(KnownCertificate::allowed_by)
        {
            self.counters.count_match(rule, host);
            self.counters.report_memory(host);
            return Disposition::Pass(Some(DecisionOutcome::Allowed));
        }
        let decision = self.policy.evaluate(&request);
        let reason = decision.reason();
        if self.only_counts
            && let Reason::AllowedByRule(rule) = reason
            && request.only_caller_was_fetched()
            && let Some(certificate) = request.known_certificate()
        {
            certificate.keep_allowing_rule(rule.position());
        }
        let reporting = self.policy.reporting();
        self.counters.count(reason, host);
        self.counters.report_memory(host);
        if let Some(limit) = reporting.max_learned_series {
            let effect = decision.effect();
            learning::observe(&self.policy, limit, reason.rule(), effect, &request, host);
        }
        if decision.outcome() == DecisionOutcome::Allowed
            && reporting.access_log == ReportedRequests::All
        {
            access_log::write_allowance(&self.policy, &decision, host);
        }
        // Recorded last, so that a shadow match overwrites the plain allowance.
        if self.policy.has_recorded_rules() {
            self.record_matches(&request, None, host);
        }
        if decision.outcome() == DecisionOutcome::Denied {
            self.report_denial(&decision, &request, host);
            if !decision.lets_pass() {
                return Disposition::Answered;
            }
        }
        match reporting.upstream_header {
            UpstreamHeader::Written => {
                upstream_header::write(&self.policy, &decision, request.peer(), host);
            }
            UpstreamHeader::Removed => upstream_header::remove(host),
            UpstreamHeader::Ignored => {}
        }
        if let Some(own) = &self.announced {
            own.announce(passage(&decision), host);
        }
        Disposition::Pass(Some(decision.outcome()))
    }

    /// Adds denials to the decision of earlier filters, which have not enforced these policies in
    /// this version. A request that an earlier filter has allowed needs no second `Allow` rule, and
    /// a leader that knows another version of the policy is responsible for allowing. Earlier
    /// filters have counted and recorded the request, so only a denial is reported.
    fn follow<H: Host>(&self, own: &OwnPolicies, earlier: &Announcement, host: &H) -> Disposition {
        let request = HostAttributes::new(host, &self.policy, &self.certificates);
        let is_led = earlier.names(self.policy.name());
        let decision = if is_led || earlier.passage() == Passage::Allowed {
            self.policy.unconditional_denial(&request)
        } else {
            Some(self.policy.evaluate_without_mesh(&request))
        };
        self.record_matches(&request, Some(earlier), host);
        if let Some(decision) = &decision
            && decision.outcome() == DecisionOutcome::Denied
            // A denial in shadow has no effect, and a leader that knows the policy records its own.
            && !(decision.lets_pass() && is_led)
        {
            self.counters.count(decision.reason(), host);
            if let Some(limit) = self.policy.reporting().max_learned_series {
                let rule = decision.reason().rule();
                learning::observe(&self.policy, limit, rule, decision.effect(), &request, host);
            }
            self.report_denial(decision, &request, host);
            if !decision.lets_pass() {
                return Disposition::Answered;
            }
        }
        let passage = match (earlier.passage(), &decision) {
            (Passage::NotDenied, Some(decision)) => passage(decision),
            (known, _) => known,
        };
        own.announce_after(earlier, passage, host);
        Disposition::Pass(None)
    }

    /// Logs a denial, and replies to the request if the denial is enforced.
    fn report_denial<H: Host>(
        &self,
        decision: &Decision<'_>,
        request: &HostAttributes<'_, H>,
        host: &H,
    ) {
        let denial = Denial::new(&self.policy, decision, request);
        access_log::write_denial(&denial, host);
        self.log
            .denial(&self.policy, &denial, request.now(), &self.counters, host);
        if !decision.lets_pass() {
            let is_grpc = request.is_grpc();
            let response = reply::denied(&self.policy, &denial, request, is_grpc);
            host.send_local_response(&response);
        }
    }

    /// Counts and reports matches of rules that are only recorded, for policies that no earlier
    /// filter knows.
    fn record_matches<H: Host>(
        &self,
        request: &HostAttributes<'_, H>,
        earlier: Option<&Announcement>,
        host: &H,
    ) {
        let policy = &self.policy;
        let mut reported: Option<&CompiledRule> = None;
        for rule in policy.recorded_matches(request) {
            if earlier.is_some_and(|earlier| earlier.names(rule.policy())) {
                continue;
            }
            self.counters.count_match(rule.position(), host);
            let (effect, _) = policy.recorded_effect(rule);
            if !rule.is_shadow() {
                continue;
            }
            if let Some(limit) = policy.reporting().max_learned_series {
                learning::observe(policy, limit, Some(rule), effect, request, host);
            }
            self.log
                .shadow_match(policy, rule, request, &self.counters, host);
            // An access log line contains one rule. The first one that would deny is the most
            // informative.
            reported = match reported {
                Some(other) if other.effect() == Effect::Deny || rule.effect() != Effect::Deny => {
                    reported
                }
                _ => Some(rule),
            };
        }
        if let Some(rule) = reported {
            access_log::write_shadow_match(policy, rule, host);
        }
    }

    /// Whether the header for upstreams is written, or forged ones are removed.
    pub fn protects_upstream_header(&self) -> bool {
        self.policy.reporting().upstream_header != UpstreamHeader::Ignored
    }

    /// Counts RBAC's decision on a request that this filter decided with `outcome` and let pass.
    /// Called at the end of the request.
    #[cfg(feature = "compare-rbac")]
    pub fn compare_with_rbac(&self, outcome: DecisionOutcome, host: &impl Host) {
        if let Some(verdicts) = rbac_comparison::compare(outcome, host) {
            self.counters.count_comparison(verdicts, host);
        }
    }
}

/// Whether the filter does nothing with an allowed request but count it.
fn only_counts(policy: &CompiledPolicy) -> bool {
    let reporting = policy.reporting();
    !policy.has_recorded_rules()
        && reporting.max_learned_series.is_none()
        && reporting.access_log != ReportedRequests::All
        && reporting.upstream_header == UpstreamHeader::Ignored
}

/// What later filters need to know about a decision that lets a request pass.
fn passage(decision: &Decision<'_>) -> Passage {
    match (decision.enforcement(), decision.reason()) {
        (Enforcement::Enforce, Reason::AllowedByRule(_)) => Passage::Allowed,
        _ => Passage::NotDenied,
    }
}

/// The proxy's description of itself, from its node.
fn describe_proxy(host: &impl Host) -> ProxyDescription<impl Fn(&str) -> Option<String>> {
    let id = node_property(host, ID).unwrap_or_default();
    ProxyDescription {
        kind: ProxyKind::from_node_id(id.as_bytes()),
        namespace: node_property(host, NAMESPACE),
        label: move |label: &str| node_property(host, &[LABELS, label.as_bytes()].concat()),
    }
}

fn node_property(host: &impl Host, path: &[u8]) -> Option<String> {
    let value = NODE
        .iter()
        .find_map(|start| host.property(&[start, path].concat()));
    str::from_utf8(&value?).ok().map(str::to_owned)
}

/// A one-line summary of the active policy.
impl fmt::Display for Enforcer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "policy {} is active: revision {}, {} rules",
            self.policy.name(),
            self.policy.revision().unwrap_or("-"),
            self.policy.rules().len(),
        )
    }
}

#[cfg(test)]
mod tests;
