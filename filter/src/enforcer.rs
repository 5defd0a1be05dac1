//! The one way of a request: attributes → decision → what follows from it.

use policy_schema::engine::{CompiledPolicy, RequestAttributes as _};

use crate::attributes::Attributes;
use crate::host::Host;
use crate::identity_cache::IdentityCache;
use crate::metrics::Counters;
use crate::reply::LocalReply;
use crate::{caller_header, decision_log};

/// A policy that is in force.
#[derive(Debug)]
pub(crate) struct Enforcer {
    policy: CompiledPolicy,
    counters: Counters,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on to the next filter.
    Pass,
    /// It has been answered.
    Answered,
}

impl Enforcer {
    /// Puts a policy in force.
    pub(crate) fn new(policy: CompiledPolicy, host: &impl Host) -> Self {
        let counters = Counters::define(&policy, host);
        Self { policy, counters }
    }

    /// The policy.
    pub(crate) fn policy(&self) -> &CompiledPolicy {
        &self.policy
    }

    /// Decides about the request that `host` is at, and sees to it.
    pub(crate) fn enforce(&self, host: &impl Host, identities: &IdentityCache) -> Verdict {
        let request = Attributes::new(host, identities);
        let decision = self.policy.evaluate(&request);
        self.counters.count(&decision, host);
        for rule in self.policy.shadow_matches(&request) {
            self.counters.count_shadow(rule, host);
        }
        if decision.lets_pass() {
            caller_header::apply(host, self.policy.caller_header(), request.peer());
            return Verdict::Pass;
        }
        decision_log::log_denial(&self.policy, &decision);
        host.reply(&LocalReply::denied(decision.reason().code()));
        Verdict::Answered
    }
}
