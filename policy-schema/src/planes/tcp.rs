//! Connections without HTTP, which RBAC alone sees.

use super::RbacPlane;
use crate::policy::{PolicySet, ServicePolicy};
use crate::rule::{Condition, Rule, Test};
use crate::rule_spec::{Effect, Enforcement, Otherwise};

impl PolicySet {
    /// The ports without HTTP on which `policy` may deny connections once it is enforced. The filter counts none of
    /// them.
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
                || !takes_plaintext && rules.any(|rule| rule.lets_everybody_connect(policy, *port));
            let mut rules = enforced.iter();
            !lets_rest_pass || rules.any(|rule| rule.may_refuse_connections(policy, *port))
        });
        ports.sort_unstable();
        ports
    }

    /// The ports without HTTP on which a rule of `policy` may deny connections once it is enforced.
    pub fn tcp_ports_closed_by_rule(&self, policy: &ServicePolicy, id: &str) -> Vec<u16> {
        let mut ports = policy.all_tcp_ports();
        ports.retain(|port| {
            let mut rules = policy.rules.iter().filter(|rule| &*rule.id == id);
            rules.any(|rule| rule.may_refuse_connections(policy, *port))
        });
        ports.sort_unstable();
        ports
    }
}

impl Rule {
    /// Whether RBAC allows every connection of an identity on the port by this rule, at all times.
    fn lets_everybody_connect(&self, policy: &ServicePolicy, port: u16) -> bool {
        let is_for_port = |condition: &Condition| {
            matches!(condition.test, Test::Port(_)) && condition.takes_port(port)
        };
        let mut operations = self.operations.iter();
        self.effect == Effect::Allow
            && RbacPlane::of_rule_in(Enforcement::Enforce, self, policy.at) == RbacPlane::Exact
            && !policy.has_ended(self)
            && self.sources.is_empty()
            && self.conditions.iter().all(is_for_port)
            // Istio drops the whole rule from the port for one such part.
            && operations.all(|operation| !operation.asks_for_http())
            && (self.operations.is_empty()
                || self.operations.iter().any(|operation| operation.takes_port(port)))
    }

    /// Whether RBAC may deny a connection on the port by this rule.
    fn may_refuse_connections(&self, policy: &ServicePolicy, port: u16) -> bool {
        let mut conditions = self.conditions.iter();
        matches!(self.effect, Effect::Deny | Effect::Custom)
            && !policy.has_ended(self)
            && !self.needs_http_beside_operations()
            && conditions.all(|condition| condition.takes_port(port))
            && (self.operations.is_empty()
                || self
                    .operations
                    .iter()
                    .any(|operation| operation.takes_port(port) && !operation.needs_http()))
    }
}
