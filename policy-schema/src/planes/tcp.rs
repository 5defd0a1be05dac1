//! Connections without HTTP, which only RBAC sees.

use super::RbacPlane;
use crate::policy::{PolicySet, ServicePolicy};
use crate::rule::{Condition, Rule, Test};
use crate::rule_spec::{Effect, Enforcement, Otherwise};

impl PolicySet {
    /// The ports without HTTP on which `policy` may deny connections once it is enforced. The
    /// filter does not count these connections.
    pub fn tcp_ports_closed_by_policy(&self, policy: &ServicePolicy) -> Vec<u16> {
        let enforced = policy.rules.iter();
        let enforced = enforced.filter(|rule| rule.enforcement != Some(Enforcement::Shadow));
        let enforced: Vec<_> = enforced.collect();
        let takes_plaintext = self
            .mesh
            .takes_plaintext(&policy.name.namespace, &policy.attachment);
        let mut ports = policy.all_tcp_ports();
        ports.retain(|port| {
            let mut rules = enforced.iter();
            let lets_rest_pass = policy.otherwise_in(&self.mesh) == Otherwise::Pass
                || !takes_plaintext && rules.any(|rule| policy.lets_everybody_connect(rule, *port));
            let mut rules = enforced.iter();
            !lets_rest_pass || rules.any(|rule| policy.may_refuse_connections(rule, *port))
        });
        ports.sort_unstable();
        ports
    }

    /// The ports without HTTP on which a rule of `policy` may deny connections once it is enforced.
    pub fn tcp_ports_closed_by_rule(&self, policy: &ServicePolicy, id: &str) -> Vec<u16> {
        let mut ports = policy.all_tcp_ports();
        ports.retain(|port| {
            let mut rules = policy.rules.iter().filter(|rule| &*rule.id == id);
            rules.any(|rule| policy.may_refuse_connections(rule, *port))
        });
        ports.sort_unstable();
        ports
    }
}

impl ServicePolicy {
    /// Whether a rule of this policy makes RBAC allow every connection with an identity on the
    /// port, at all times.
    fn lets_everybody_connect(&self, rule: &Rule, port: u16) -> bool {
        let is_for_port = |condition: &Condition| {
            matches!(condition.test, Test::Port(_)) && condition.takes_port(port)
        };
        let mut operations = rule.operations.iter();
        rule.effect == Effect::Allow
            && RbacPlane::of_rule_in(Enforcement::Enforce, rule, self.at) == RbacPlane::Exact
            && !self.has_ended(rule)
            && rule.sources.is_empty()
            && rule.conditions.iter().all(is_for_port)
            // Istio drops the whole rule from the port if one operation needs HTTP.
            && operations.all(|operation| !operation.asks_for_http())
            && (rule.operations.is_empty()
                || rule.operations.iter().any(|operation| operation.takes_port(port)))
    }

    /// Whether RBAC may deny a connection on the port by a rule of this policy.
    fn may_refuse_connections(&self, rule: &Rule, port: u16) -> bool {
        let mut conditions = rule.conditions.iter();
        matches!(rule.effect, Effect::Deny | Effect::Custom)
            && !self.has_ended(rule)
            && !rule.needs_http_beside_operations()
            && conditions.all(|condition| condition.takes_port(port))
            && (rule.operations.is_empty()
                || rule
                    .operations
                    .iter()
                    .any(|operation| operation.takes_port(port) && !operation.needs_http()))
    }
}
