//! The header that reports the caller and the decision to the upstream.
//!
//! Where this is configured, values that a client sends under this name never reach the upstream,
//! regardless of their number and case: the proxy ignores the case of header names, and these calls
//! apply to all values. The same goes for trailers, because many servers merge them into the
//! headers. Elsewhere the header means nothing, and the look-ups would only cost time.

use peergate_engine::engine::{CompiledPolicy, CompiledRule, Decision, DecisionOutcome};
use peergate_engine::identity::{PeerIdentity, SpiffeId};

use crate::host::Host;

/// The header's name.
pub const NAME: &[u8] = b"x-peergate";

/// A name that many applications treat as the same: CGI and its successors convert `-` to `_`.
const LOOKALIKE: &[u8] = b"x_peergate";

/// Sets the header to the decision.
pub fn write(
    policy: &CompiledPolicy,
    decision: &Decision<'_>,
    peer: PeerIdentity<'_>,
    host: &impl Host,
) {
    let caller = match peer {
        PeerIdentity::Verified(id) => Some(id),
        PeerIdentity::Absent | PeerIdentity::Unvalidated | PeerIdentity::Malformed => None,
    };
    host.replace_request_header(NAME, value(policy, decision, caller).as_bytes());
    remove_each(LOOKALIKE, host);
}

/// Removes the header.
///
/// Writing makes Envoy recompute the route, which takes up to four microseconds, so the header is
/// removed only if it is present. Checking that is cheap.
pub fn remove(host: &impl Host) {
    remove_each(NAME, host);
    remove_each(LOOKALIKE, host);
}

/// Removes the header from the request's trailers. This does not recompute the route, so no check
/// is needed.
pub fn remove_trailers(host: &impl Host) {
    host.remove_request_trailer(NAME);
    host.remove_request_trailer(LOOKALIKE);
}

fn remove_each(name: &'static [u8], host: &impl Host) {
    if host.request_header(name).is_some() {
        host.remove_request_header(name);
    }
}

/// A dictionary in structured fields (RFC 9651, section 3.2).
fn value(policy: &CompiledPolicy, decision: &Decision<'_>, caller: Option<SpiffeId<'_>>) -> String {
    let rule = decision.reason().rule();
    let by = rule.map_or(policy.name(), CompiledRule::policy).to_string();
    let members = [
        ("caller", caller.map(|id| id.as_str())),
        ("policy", Some(by.as_str())),
        ("rule", rule.map(CompiledRule::id)),
        ("revision", policy.revision()),
    ];
    let mut value = match decision.outcome() {
        DecisionOutcome::Allowed => "decision=allow",
        DecisionOutcome::Denied => "decision=would-deny",
    }
    .to_owned();
    for (key, text) in members {
        if let Some(text) = text.filter(|text| is_plain(text)) {
            value.extend([", ", key, "=\"", text, "\""]);
        }
    }
    value
}

/// Whether a text can be quoted without escaping. A hand-written revision may contain any
/// character.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fake_host::{FakeHost, WEB, config, enforcer};

    fn sent_headers(host: &FakeHost, change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut config = config(&json!([
            {"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}]},
        ]));
        config["reporting"] = json!({"upstreamHeader": true});
        change(&mut config);
        enforcer(&config, host).enforce(host);
        host.header_values(NAME)
    }

    #[test]
    fn reports_caller_decision_rule_and_revision() {
        let host = FakeHost::with_uri_sans(&[WEB]);
        assert_eq!(
            sent_headers(&host, |config| config["revision"] = "5f70bf18a086".into()),
            [
                "decision=allow, caller=\"spiffe://cluster.local/ns/shop/sa/web\", policy=\"shop/orders\", rule=\"web\", \
                 revision=\"5f70bf18a086\""
            ]
        );
    }

    #[test]
    fn reports_shadow_denials() {
        let host = FakeHost::anonymous();
        assert_eq!(
            sent_headers(&host, |config| config["enforcement"] = "Shadow".into()),
            ["decision=would-deny, policy=\"shop/orders\""]
        );
    }

    #[test]
    fn configured_texts_cannot_break_quoting() {
        let host = FakeHost::with_uri_sans(&[WEB]);
        let [value] = &sent_headers(&host, |config| config["revision"] = "\", a=\"b".into())[..]
        else {
            panic!("no single value");
        };
        assert!(value.ends_with("rule=\"web\""), "{value}");
    }

    #[test]
    fn writes_nothing_without_a_forged_header() {
        let host = FakeHost::anonymous();
        remove(&host);
        assert_eq!(host.calls.header_writes.get(), 0);
        assert_eq!(host.calls.answered.get(), 0);
    }

    #[test]
    fn removes_every_copy_of_the_header() {
        let host = FakeHost::anonymous()
            .with_header("x-peergate", "")
            .with_header("X-PEERGATE", "a")
            .with_header("x-other", "b");
        remove(&host);
        assert_eq!(host.header_values(NAME), [""; 0]);
        assert_eq!(host.header_values(b"x-other"), ["b"]);
        assert_eq!(host.calls.header_writes.get(), 1);
    }

    #[test]
    fn removes_lookalike_headers() {
        for setting in [false, true] {
            let host = FakeHost::with_uri_sans(&[WEB]).with_header("X_Peergate", "a");
            sent_headers(&host, |config| {
                config["reporting"]["upstreamHeader"] = setting.into();
            });
            assert_eq!(host.header_values(b"x_peergate"), [""; 0]);
        }
    }

    #[test]
    fn removes_only_forged_trailers() {
        let host = FakeHost::anonymous()
            .with_header("x-peergate", "of the headers")
            .with_trailer("X-Peergate", "a")
            .with_trailer("x-peergate", "")
            .with_trailer("X_PEERGATE", "b")
            .with_trailer("x-other", "c");
        remove_trailers(&host);
        assert_eq!(host.trailers(), [("x-other".to_owned(), b"c".to_vec())]);
        assert_eq!(host.header_values(NAME), ["of the headers"]);
        assert_eq!(host.calls.answered.get(), 0);
    }

    #[test]
    fn the_decision_replaces_every_copy() {
        let host = FakeHost::with_uri_sans(&[WEB])
            .with_header(
                "x-peergate",
                "caller=\"spiffe://cluster.local/ns/shop/sa/admin\"",
            )
            .with_header("X-Peergate", "b");
        assert_eq!(sent_headers(&host, |_| {}).len(), 1);
    }
}
