//! Records decisions for their IDs.

use super::{CompiledPolicy, Decision, RequestAttributes};
use crate::decision_id::{DecisionRecord, RecordedCaller, without_userinfo};
use crate::identity::PeerIdentity;
use crate::timestamp::Timestamp;

impl CompiledPolicy {
    /// The content of a decision ID.
    pub fn record(
        &self,
        decision: &Decision<'_>,
        request: &impl RequestAttributes,
    ) -> DecisionRecord {
        let reason = decision.reason();
        DecisionRecord {
            reason: reason.code().number(),
            time: request.now().map_or(0, Timestamp::unix_seconds),
            rule: reason
                .rule()
                .and_then(|rule| u32::try_from(rule.position()).ok()),
            policy: self.name().to_string(),
            revision: self.revision().map(str::to_owned),
            caller: match (self.client_certificate(request), request.peer()) {
                (Some(certificate), _) => RecordedCaller::Certificate(certificate.to_string()),
                // The reason tells these two apart.
                (None, PeerIdentity::Absent | PeerIdentity::Unvalidated) => {
                    RecordedCaller::Anonymous
                }
                (None, PeerIdentity::Malformed) => RecordedCaller::Malformed,
                (None, PeerIdentity::Verified(id)) => {
                    RecordedCaller::Workload(id.as_str().to_owned())
                }
            },
            method: request.method().map(<[u8]>::to_vec),
            path: request.path().map(<[u8]>::to_vec),
            path_is_truncated: false,
            host: request
                .authority()
                .map(|host| without_userinfo(host).to_vec()),
            port: request.port(),
        }
    }

    /// The decision ID, sealed if the policy has a key.
    pub fn decision_id(&self, record: &DecisionRecord) -> String {
        match self.decision_key() {
            Some(key) => record.seal(key),
            None => record.encode(),
        }
    }
}
