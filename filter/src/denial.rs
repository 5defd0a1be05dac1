//! Decision → all that is told of a denial: gathered once, for the reply, the logs and the caller.

use policy_schema::decision_id::{DecisionRecord, LONGEST_PATH, LONGEST_TEXT, RecordedCaller};
use policy_schema::engine::{
    CompiledPolicy, CompiledRule, Decision, NearMiss, Outcome, Reason, RequestAttributes,
};
use policy_schema::identity::PeerIdentity;
use policy_schema::plugin_config::PolicyName;
use policy_schema::rule_spec::Enforcement;
use policy_schema::timestamp::Timestamp;

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
        let certificate = policy.client_certificate(request);
        let caller = match (certificate, peer) {
            (Some(certificate), _) => RecordedCaller::Certificate(certificate.to_string()),
            // The reason says which of the two it is.
            (None, PeerIdentity::Absent | PeerIdentity::Unvalidated) => RecordedCaller::Anonymous,
            (None, PeerIdentity::Malformed) => RecordedCaller::Malformed,
            (None, PeerIdentity::Verified(id)) => RecordedCaller::Workload(id.as_str().to_owned()),
        };
        let record = DecisionRecord {
            reason: reason.number(),
            time: request.now().map_or(0, Timestamp::unix_seconds),
            rule: reason
                .rule()
                .and_then(|rule| u32::try_from(rule.position()).ok()),
            policy: policy.name().to_string(),
            revision: policy.revision().map(str::to_owned),
            caller,
            method: request.method().map(<[u8]>::to_vec),
            path: request.path().map(<[u8]>::to_vec),
            path_is_cut: false,
            host: request.host().map(|host| without_userinfo(host).to_vec()),
            port: request.port(),
        };
        Self {
            reason,
            policy: reason.rule().map_or(policy.name(), CompiledRule::policy),
            enforcement: decision.enforcement(),
            is_stranger: policy.is_stranger(peer),
            id: match policy.decision_key() {
                Some(key) => record.seal(key),
                None => record.encode(),
            },
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
    pub fn effect(&self) -> &'static str {
        Outcome::Denied.effect(self.enforcement)
    }

    /// The rule that decided.
    pub fn rule(&self) -> Option<&'p CompiledRule> {
        self.reason.rule()
    }
}

/// A host without the user and the password that a client may have put before it. Their `@` stays:
/// the rules have seen that something stood there.
pub fn without_userinfo(host: &[u8]) -> &[u8] {
    let end = host.iter().rposition(|byte| *byte == b'@');
    end.and_then(|end| host.get(end..)).unwrap_or(host)
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
