//! Handles a request: fetches attributes, decides, and carries out the decision.

use std::fmt;

use peergate_engine::engine::{
    CompiledPolicy, CompiledRule, Decision, Outcome, Reason, RequestAttributes as _,
};
use peergate_engine::plugin_config::{ConfigError, ProxyDescription, ProxyKind};
use peergate_engine::reporting::ReportedRequests;
use peergate_engine::rule_spec::{Effect, Enforcement};

use crate::announcement::{Announcement, OwnPolicies, Passage};
use crate::attributes::HostAttributes;
use crate::decision_log::DecisionLog;
use crate::denial::Denial;
use crate::host::Host;
use crate::metrics::Counters;
use crate::peer_certificates::PeerCertificates;
#[cfg(feature = "compare-planes")]
use crate::planes;
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
}

/// The result of enforcement for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It continues to the next filter. `None` if another policy's filter decided it.
    Pass(Option<Outcome>),
    /// The filter has sent a reply.
    Answered,
}

impl Enforcer {
    /// Activates the policies of a plugin config that select this workload.
    pub fn new(config: &[u8], host: &impl Host) -> Result<Self, ConfigError> {
        let proxy = describe(host);
        let policy = CompiledPolicy::for_workload(config, &proxy.label)?;
        let validation = policy.certificate_validation(&proxy);
        Ok(Self {
            counters: Counters::define(&policy, validation, host),
            log: DecisionLog::new(policy.reporting().lines_per_second),
            certificates: PeerCertificates::new(validation, policy.takes_client_certificates()),
            announced: OwnPolicies::of(&policy),
            policy,
        })
    }

    /// Decides the current request of `host`, and carries out the decision.
    ///
    /// Host calls that return data are the expensive ones. A request that passes costs one for the
    /// caller, and one for each of method, path, host and port that a candidate rule tests.
    /// Counting it and checking for forged headers are cheap.
    pub fn enforce(&self, host: &impl Host) -> Verdict {
        let announced = self.announced.as_ref().filter(|_| self.policy.yields());
        let followed = announced.and_then(|own| Some((own, Announcement::read(host)?)));
        match followed {
            None => self.decide(host),
            Some((own, earlier)) if earlier.covers(own) => Verdict::Pass(None),
            Some((own, earlier)) => self.follow(own, &earlier, host),
        }
    }

    /// Decides a request that no other filter has decided.
    fn decide<H: Host>(&self, host: &H) -> Verdict {
        let request = HostAttributes::new(host, &self.certificates);
        let decision = self.policy.evaluate(&request);
        let reason = decision.reason();
        let reporting = self.policy.reporting();
        self.counters.count(reason, host);
        self.counters.tell_memory(host);
        if let Some(most) = reporting.learned_series {
            let effect = decision.effect();
            learning::observe(&self.policy, most, reason.rule(), effect, &request, host);
        }
        if decision.outcome() == Outcome::Allowed && reporting.access_log == ReportedRequests::All {
            access_log::leave_allowance(&self.policy, &decision, host);
        }
        // Recorded last, so that a shadow match overwrites the plain allowance.
        self.record_matches(&request, None, host);
        if decision.outcome() == Outcome::Denied {
            self.report_denial(&decision, &request, host);
            if !decision.lets_pass() {
                return Verdict::Answered;
            }
        }
        if reporting.upstream_header {
            upstream_header::write(&self.policy, &decision, request.peer(), host);
        } else {
            upstream_header::remove(host);
        }
        if let Some(own) = &self.announced {
            own.announce(passage(&decision), host);
        }
        Verdict::Pass(Some(decision.outcome()))
    }

    /// Adds denials to the decision of earlier filters, which have not enforced these policies in
    /// this version. A request that an earlier filter has allowed needs no second `Allow` rule, and
    /// a leader that knows another version of the policy is responsible for allowing. Earlier
    /// filters have counted and recorded the request, so only a denial is reported.
    fn follow<H: Host>(&self, own: &OwnPolicies, earlier: &Announcement, host: &H) -> Verdict {
        let request = HostAttributes::new(host, &self.certificates);
        let is_led = earlier.names(self.policy.name());
        let decision = if is_led || earlier.passage() == Passage::Allowed {
            self.policy.refuse(&request)
        } else {
            Some(self.policy.evaluate_without_mesh(&request))
        };
        self.record_matches(&request, Some(earlier), host);
        if let Some(decision) = &decision
            && decision.outcome() == Outcome::Denied
            // A denial in shadow has no effect, and a leader that knows the policy records its own.
            && !(decision.lets_pass() && is_led)
        {
            self.counters.count(decision.reason(), host);
            if let Some(most) = self.policy.reporting().learned_series {
                let rule = decision.reason().rule();
                learning::observe(&self.policy, most, rule, decision.effect(), &request, host);
            }
            self.report_denial(decision, &request, host);
            if !decision.lets_pass() {
                return Verdict::Answered;
            }
        }
        let passage = match (earlier.passage(), &decision) {
            (Passage::NotDenied, Some(decision)) => passage(decision),
            (known, _) => known,
        };
        own.announce_after(earlier, passage, host);
        Verdict::Pass(None)
    }

    /// Logs a denial, and replies to the request if the denial is enforced.
    fn report_denial<H: Host>(
        &self,
        decision: &Decision<'_>,
        request: &HostAttributes<'_, H>,
        host: &H,
    ) {
        let denial = Denial::new(&self.policy, decision, request);
        access_log::leave_denial(&denial, host);
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
        let mut told: Option<&CompiledRule> = None;
        for rule in policy.recorded_matches(request) {
            if earlier.is_some_and(|earlier| earlier.names(rule.policy())) {
                continue;
            }
            self.counters.count_match(rule, host);
            let (effect, _) = policy.recorded_as(rule);
            if !rule.is_shadow() {
                continue;
            }
            if let Some(most) = policy.reporting().learned_series {
                learning::observe(policy, most, Some(rule), effect, request, host);
            }
            self.log
                .shadow_match(policy, rule, request, &self.counters, host);
            // An access log line contains one rule. The first one that would deny is the most
            // informative.
            told = match told {
                Some(other) if other.effect() == Effect::Deny || rule.effect() != Effect::Deny => {
                    told
                }
                _ => Some(rule),
            };
        }
        if let Some(rule) = told {
            access_log::leave_shadow_match(policy, rule, host);
        }
    }

    /// Counts RBAC's decision on a request that this filter decided with `outcome` and let pass.
    /// Called at the end of the request.
    #[cfg(feature = "compare-planes")]
    pub fn compare_planes(&self, outcome: Outcome, host: &impl Host) {
        if let Some(verdicts) = planes::compare(outcome, host) {
            self.counters.count_verdicts(verdicts, host);
        }
    }
}

/// What later filters need to know about a decision that lets a request pass.
fn passage(decision: &Decision<'_>) -> Passage {
    match (decision.enforcement(), decision.reason()) {
        (Enforcement::Enforce, Reason::AllowedByRule(_)) => Passage::Allowed,
        _ => Passage::NotDenied,
    }
}

/// The proxy's description of itself, from its node.
fn describe(host: &impl Host) -> ProxyDescription<impl Fn(&str) -> Option<String>> {
    let id = of_node(host, ID).unwrap_or_default();
    ProxyDescription {
        kind: ProxyKind::from_node_id(id.as_bytes()),
        namespace: of_node(host, NAMESPACE),
        label: move |label: &str| of_node(host, &[LABELS, label.as_bytes()].concat()),
    }
}

fn of_node(host: &impl Host, path: &[u8]) -> Option<String> {
    let value = NODE
        .iter()
        .find_map(|start| host.property(&[start, path].concat()));
    String::from_utf8(value?).ok()
}

/// A one-line summary of the active policy.
impl fmt::Display for Enforcer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "policy {} in force: revision {}, {} rules",
            self.policy.name(),
            self.policy.revision().unwrap_or("-"),
            self.policy.rules().len(),
        )
    }
}

#[cfg(test)]
mod tests;
