//! Connections without HTTP, which only RBAC sees.

use super::RbacEnforcement;
use crate::policy::{PolicySet, ServicePolicy};
use crate::rule::{Condition, Rule, Test};
use crate::rule_spec::{Effect, Enforcement, Otherwise};

impl PolicySet {
    /// The ports without HTTP on which `policy` may deny connections once it is enforced. The
    /// filter does not count these connections.
    pub fn tcp_ports_denied_by_policy(&self, policy: &ServicePolicy) -> Vec<u16> {
        let enforced = policy.rules.iter();
        let enforced = enforced.filter(|rule| rule.enforcement != Some(Enforcement::Shadow));
        let enforced: Vec<_> = enforced.collect();
        let accepts_plaintext = self
            .mesh
            .accepts_plaintext(&policy.name.namespace, &policy.attachment);
        let mut ports = policy.all_tcp_ports();
        ports.retain(|port| {
            let mut rules = enforced.iter();
            let passes_unmatched = policy.otherwise_in(&self.mesh) == Otherwise::Pass
                || !accepts_plaintext
                    && rules.any(|rule| policy.allows_all_identities(rule, *port));
            let mut rules = enforced.iter();
            !passes_unmatched || rules.any(|rule| policy.may_deny_connections(rule, *port))
        });
        ports.sort_unstable();
        ports
    }

    /// The ports without HTTP on which a rule of `policy` may deny connections once it is enforced.
    pub fn tcp_ports_denied_by_rule(&self, policy: &ServicePolicy, id: &str) -> Vec<u16> {
        let mut ports = policy.all_tcp_ports();
        ports.retain(|port| {
            let mut rules = policy.rules.iter().filter(|rule| &*rule.id == id);
            rules.any(|rule| policy.may_deny_connections(rule, *port))
        });
        ports.sort_unstable();
        ports
    }
}

impl ServicePolicy {
    /// Whether a rule of this policy makes RBAC allow every connection with an identity on the
    /// port, at all times.
    fn allows_all_identities(&self, rule: &Rule, port: u16) -> bool {
        let is_for_port = |condition: &Condition| {
            matches!(condition.test, Test::Port(_)) && condition.matches_port(port)
        };
        let mut operations = rule.operations.iter();
        rule.effect == Effect::Allow
            && RbacEnforcement::for_rule_in(Enforcement::Enforce, rule, self.at) == RbacEnforcement::Exact
            && !self.has_expired(rule)
            && rule.sources.is_empty()
            && rule.conditions.iter().all(is_for_port)
            // Istio drops the whole rule from the port if one operation needs HTTP.
            && operations.all(|operation| !operation.uses_http())
            && (rule.operations.is_empty()
                || rule.operations.iter().any(|operation| operation.matches_port(port)))
    }

    /// Whether RBAC may deny a connection on the port by a rule of this policy.
    fn may_deny_connections(&self, rule: &Rule, port: u16) -> bool {
        let mut conditions = rule.conditions.iter();
        matches!(rule.effect, Effect::Deny | Effect::Custom)
            && !self.has_expired(rule)
            && !rule.requires_http_outside_operations()
            && conditions.all(|condition| condition.matches_port(port))
            && (rule.operations.is_empty()
                || rule
                    .operations
                    .iter()
                    .any(|operation| operation.matches_port(port) && !operation.requires_http()))
    }
}
