//! The one way of a request: attributes → decision → what follows from it.

use std::fmt;

use policy_schema::engine::{CompiledPolicy, CompiledRule, Outcome, RequestAttributes as _};
use policy_schema::plugin_config::{ConfigError, ProxyDescription, ProxyKind};
use policy_schema::reporting::ReportedRequests;
use policy_schema::rule_spec::Effect;

use crate::attributes::HostAttributes;
use crate::decision_log::DecisionLog;
use crate::denial::Denial;
use crate::host::Host;
use crate::metrics::Counters;
use crate::peer_certificates::PeerCertificates;
#[cfg(feature = "compare-planes")]
use crate::planes::Verdicts;
use crate::reply::LocalReply;
use crate::{access_log, enforced_along, learning, upstream_header};

/// The beginnings of the properties of the proxy's node: the second was the name before Envoy had the
/// first.
const NODE: [&[u8]; 2] = [b"xds\0node\0", b"node\0"];
/// By Istio's node metadata.
const NAMESPACE: &[u8] = b"metadata\0NAMESPACE";
const LABELS: &[u8] = b"metadata\0LABELS\0";
const ID: &[u8] = b"id";

/// A policy that is in force.
#[derive(Debug)]
pub struct Enforcer {
    policy: CompiledPolicy,
    counters: Counters,
    log: DecisionLog,
    certificates: PeerCertificates,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on to the next filter. Where another policy's filter decided, this one has judged
    /// nothing.
    Pass(Option<Outcome>),
    /// It has been answered.
    Answered,
}

impl Enforcer {
    /// Puts the policies of a plugin config in force, as far as they are for this workload.
    pub fn new(config: &[u8], host: &impl Host) -> Result<Self, ConfigError> {
        let proxy = describe(host);
        let policy = CompiledPolicy::for_workload(config, &proxy.label)?;
        let validation = policy.certificate_validation(&proxy);
        Ok(Self {
            counters: Counters::define(&policy, validation, host),
            log: DecisionLog::new(policy.reporting().lines_per_second),
            certificates: PeerCertificates::new(validation, policy.takes_client_certificates()),
            policy,
        })
    }

    /// Decides about the request that `host` is at, and sees to it.
    ///
    /// Calls that return data are the dear ones. A request that passes costs one for the caller, and
    /// one for each of method, path, host and port that a rule still in question looks at; counting it
    /// and finding no forged header cost little.
    pub fn enforce(&self, host: &impl Host) -> Verdict {
        if self.policy.yields() && enforced_along::includes(self.policy.name(), host) {
            return Verdict::Pass(None);
        }
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
        // After it: of a request that passes, what something in shadow would have done says more.
        self.record_matches(&request, host);
        if decision.outcome() == Outcome::Denied {
            let denial = Denial::new(&self.policy, &decision, &request);
            access_log::leave_denial(&denial, host);
            self.log
                .denial(&self.policy, &denial, request.now(), &self.counters, host);
            if !decision.lets_pass() {
                let is_grpc = request.is_grpc();
                host.send_reply(&LocalReply::new(&self.policy, &denial, &request, is_grpc));
                return Verdict::Answered;
            }
        }
        if reporting.upstream_header {
            upstream_header::write(&self.policy, &decision, request.peer(), host);
        } else {
            upstream_header::remove(host);
        }
        if self.policy.policies().len() > 1 {
            enforced_along::announce(self.policy.policies(), host);
        }
        Verdict::Pass(Some(decision.outcome()))
    }

    /// Counts and tells which rules match that have no say.
    fn record_matches<H: Host>(&self, request: &HostAttributes<'_, H>, host: &H) {
        let policy = &self.policy;
        let mut told: Option<&CompiledRule> = None;
        for rule in policy.recorded_matches(request) {
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
            // A line of the access log has one rule: the first that would deny says most.
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

    /// Counts what RBAC said of a request that this filter judged so and let pass. Asked when the
    /// request is over.
    #[cfg(feature = "compare-planes")]
    pub fn compare_planes(&self, outcome: Outcome, host: &impl Host) {
        if let Some(verdicts) = Verdicts::of_request(outcome, host) {
            self.counters.count_verdicts(verdicts, host);
        }
    }
}

/// The proxy that the filter runs in, by its node.
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

/// What is in force, in one line.
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
