//! Decision → all that is told of a denial: gathered once, for the reply, the logs and the caller.

use peergate_engine::decision_id::{LONGEST_PATH, LONGEST_TEXT, RecordedCaller};
use peergate_engine::engine::{
    CompiledPolicy, CompiledRule, Decision, NearMiss, Outcome, Reason, RequestAttributes,
};
use peergate_engine::plugin_config::PolicyName;
use peergate_engine::rule_spec::Enforcement;
use peergate_engine::telemetry::DecisionEffect;

/// How many parts of rules are looked at for the one that comes nearest: anybody can have requests
/// denied, and a large policy must not make that dear.
const PARTS_LOOKED_AT: usize = 64;

/// A request that is denied, or would be if its policy were not in shadow.
#[derive(Debug)]
pub struct Denial<'p> {
    /// Why.
    pub reason: Reason<'p>,
    /// The policy of the rule that decided, or the one that leads.
    pub policy: &'p PolicyName,
    /// Whether the request is denied, or only would be.
    pub enforcement: Enforcement,
    /// Whether it comes from somebody who is not of the mesh.
    pub is_stranger: bool,
    /// The caller's SPIFFE ID, if it has one.
    pub caller: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The path without query.
    pub path: Option<String>,
    /// The host without user.
    pub host: Option<String>,
    /// The id of the decision.
    pub id: String,
}

impl<'p> Denial<'p> {
    /// What is to be told of a decision against a request.
    pub fn new(
        policy: &'p CompiledPolicy,
        decision: &Decision<'p>,
        request: &impl RequestAttributes,
    ) -> Self {
        let reason = decision.reason();
        let peer = request.peer();
        let record = policy.record(decision, request);
        Self {
            reason,
            policy: reason.rule().map_or(policy.name(), CompiledRule::policy),
            enforcement: decision.enforcement(),
            is_stranger: policy.is_stranger(peer),
            id: policy.id_of(&record),
            method: shown(record.method.as_deref(), LONGEST_TEXT),
            path: shown(record.path.as_deref(), LONGEST_PATH),
            host: shown(record.host.as_deref(), LONGEST_TEXT),
            caller: match record.caller {
                RecordedCaller::Workload(id) => Some(id),
                RecordedCaller::Certificate(names) => shown(Some(names.as_bytes()), LONGEST_PATH),
                RecordedCaller::Anonymous | RecordedCaller::Malformed => None,
            },
        }
    }

    /// What was decided, as metrics have it.
    pub fn effect(&self) -> DecisionEffect {
        Outcome::Denied.effect(self.enforcement)
    }

    /// The rule that decided.
    pub fn rule(&self) -> Option<&'p CompiledRule> {
        self.reason.rule()
    }
}

/// What a client sent, as text that is no longer than it may be: logs must not grow by what it likes.
pub fn shown(text: Option<&[u8]>, longest: usize) -> Option<String> {
    let text = text?;
    match text.get(..longest) {
        Some(start) if text.len() > longest => {
            Some([&String::from_utf8_lossy(start), "…"].concat())
        }
        _ => Some(String::from_utf8_lossy(text).into_owned()),
    }
}

/// The rule that came nearest to allowing a request, as far as is looked.
pub fn nearest<'p>(
    policy: &'p CompiledPolicy,
    request: &impl RequestAttributes,
) -> Option<NearMiss<'p>> {
    let misses = policy.nearest(request, 1, PARTS_LOOKED_AT);
    misses.into_iter().next()
}
