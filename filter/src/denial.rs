//! The facts about a denial, collected once for the reply, the logs and the decision ID.

use peergate_engine::decision_id::{MAX_PATH_LEN, MAX_TEXT_LEN, RecordedCaller};
use peergate_engine::engine::{
    CompiledPolicy, CompiledRule, Decision, DecisionOutcome, NearMiss, Reason, RequestAttributes,
};
use peergate_engine::plugin_config::PolicyName;
use peergate_engine::rule_spec::Enforcement;
use peergate_engine::telemetry::DecisionEffect;

/// The search is limited to this many rule parts, so that denials stay cheap even with large
/// policies: any client can cause them.
const MAX_PARTS_COMPARED: usize = 64;

/// A request that is denied, or would be if its policy were not in shadow.
#[derive(Debug)]
pub struct Denial<'p> {
    /// The reason.
    pub reason: Reason<'p>,
    /// The policy that contains the deciding rule, or the leader.
    pub policy: &'p PolicyName,
    /// Whether the denial is enforced or in shadow.
    pub enforcement: Enforcement,
    /// Whether the caller is a stranger.
    pub is_stranger: bool,
    /// The caller's SPIFFE ID, if it has one.
    pub caller: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The path without query.
    pub path: Option<String>,
    /// The host without user information.
    pub host: Option<String>,
    /// The decision ID.
    pub id: String,
}

impl<'p> Denial<'p> {
    /// Collects the facts about a denial.
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
            id: policy.decision_id(&record),
            method: truncated_text(record.method.as_deref(), MAX_TEXT_LEN),
            path: truncated_text(record.path.as_deref(), MAX_PATH_LEN),
            host: truncated_text(record.host.as_deref(), MAX_TEXT_LEN),
            caller: match record.caller {
                RecordedCaller::Workload(id) => Some(id),
                RecordedCaller::Certificate(names) => {
                    truncated_text(Some(names.as_bytes()), MAX_PATH_LEN)
                }
                RecordedCaller::Anonymous | RecordedCaller::Malformed => None,
            },
        }
    }

    /// The effect that metrics report.
    pub fn effect(&self) -> DecisionEffect {
        DecisionOutcome::Denied.effect(self.enforcement)
    }

    /// The rule that decided.
    pub fn rule(&self) -> Option<&'p CompiledRule> {
        self.reason.rule()
    }
}

/// Client data as text of limited length, so that clients cannot bloat the logs.
pub fn truncated_text(text: Option<&[u8]>, max_len: usize) -> Option<String> {
    let text = text?;
    match text.get(..max_len) {
        Some(start) if text.len() > max_len => {
            Some([&String::from_utf8_lossy(start), "…"].concat())
        }
        _ => Some(String::from_utf8_lossy(text).into_owned()),
    }
}

/// The nearest `Allow` rule within the limit of the search.
pub fn nearest_rule<'p>(
    policy: &'p CompiledPolicy,
    request: &impl RequestAttributes,
) -> Option<NearMiss<'p>> {
    let misses = policy.nearest(request, 1, MAX_PARTS_COMPARED);
    misses.into_iter().next()
}
