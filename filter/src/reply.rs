//! Decision → the answer that a denied caller gets: a reason code, and nothing of the policy.

use policy_schema::engine::{Decision, Reason};

/// An answer in place of the upstream's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalReply {
    /// The HTTP status. To gRPC clients Envoy turns 403 into status 7, `PERMISSION_DENIED`.
    pub status: u32,
    /// What Envoy's access log shows as `%RESPONSE_CODE_DETAILS%`.
    pub details: &'static str,
    /// The headers.
    pub headers: [(&'static str, &'static str); 2],
    /// The body; to gRPC clients the message.
    pub body: &'static str,
}

/// The answer for a reason code, put together by the compiler.
macro_rules! denied {
    ($code:literal) => {
        LocalReply {
            status: 403,
            details: concat!("peergate_denied[", $code, "]"),
            headers: [("content-type", "text/plain"), ("x-peergate-reason", $code)],
            body: concat!("access denied: ", $code, "\n"),
        }
    };
}

impl LocalReply {
    /// The answer of a filter that has no policy.
    pub const NO_POLICY: Self = denied!("no-policy");

    /// The answer to a request that the decision does not let pass.
    pub fn to(decision: &Decision<'_>) -> Option<Self> {
        if decision.lets_pass() {
            return None;
        }
        match decision.reason() {
            Reason::AllowedByRule(_) | Reason::NotDenied => None,
            Reason::DeniedByRule(_) => Some(denied!("denied-by-rule")),
            Reason::NoIdentity => Some(denied!("no-identity")),
            Reason::MalformedIdentity => Some(denied!("malformed-identity")),
            Reason::ForeignTrustDomain => Some(denied!("foreign-trust-domain")),
            Reason::ExpiredRule(_) => Some(denied!("expired-rule")),
            Reason::RuleNotYetValid(_) => Some(denied!("rule-not-yet-valid")),
            Reason::NoRuleMatched => Some(denied!("no-rule-matched")),
        }
    }
}

#[cfg(test)]
mod tests {
    use policy_schema::engine::{CompiledPolicy, Request};
    use policy_schema::identity::PeerIdentity;
    use policy_schema::timestamp::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::fake_host::{ADMIN, WEB, config};

    /// Each reason, by the decision that has it.
    fn replies() -> Vec<(&'static str, Option<LocalReply>)> {
        let config = config(&json!([
            {"id": "web", "effect": "Allow", "notBefore": "2020-01-01T00:00:00Z",
             "notAfter": "2030-01-01T00:00:00Z", "from": [{"serviceAccounts": ["web"]}]},
            {"id": "no-admin", "effect": "Deny", "from": [{"serviceAccounts": ["admin"]}]},
        ]));
        let policy = CompiledPolicy::from_json(config.to_string().as_bytes()).unwrap();
        let requests = [
            (Some(WEB), "2025-01-01T00:00:00Z"),
            (Some(WEB), "2019-01-01T00:00:00Z"),
            (Some(WEB), "2031-01-01T00:00:00Z"),
            (Some(ADMIN), "2025-01-01T00:00:00Z"),
            (
                Some("spiffe://cluster.local/ns/shop/sa/other"),
                "2025-01-01T00:00:00Z",
            ),
            (
                Some("spiffe://evil.example/ns/shop/sa/web"),
                "2025-01-01T00:00:00Z",
            ),
            (Some("web"), "2025-01-01T00:00:00Z"),
            (None, "2025-01-01T00:00:00Z"),
        ];
        requests
            .map(|(san, now)| {
                let request = Request::of_peer(
                    PeerIdentity::from_uri_san(san.map(str::as_bytes)),
                    Timestamp::parse(now).unwrap(),
                );
                let decision = policy.evaluate(&request);
                (decision.reason().code(), LocalReply::to(&decision))
            })
            .into()
    }

    #[test]
    fn every_reason_is_among_them() {
        let mut codes: Vec<_> = replies().into_iter().map(|(code, _)| code).collect();
        // Which only a policy without `Allow` rules has, and which lets the request pass.
        codes.push("not-denied");
        codes.sort_unstable();
        let mut all = Reason::CODES;
        all.sort_unstable();
        assert_eq!(codes, all);
    }

    #[test]
    fn a_denial_names_its_reason_and_nothing_else() {
        for (code, reply) in replies() {
            let Some(reply) = reply else {
                assert_eq!(code, "allowed-by-rule");
                continue;
            };
            assert_eq!(reply.status, 403);
            assert_eq!(reply.details, format!("peergate_denied[{code}]"));
            assert_eq!(
                reply.headers,
                [("content-type", "text/plain"), ("x-peergate-reason", code)]
            );
            assert_eq!(reply.body, format!("access denied: {code}\n"));
        }
    }
}
