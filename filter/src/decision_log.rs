//! Writes denials and shadow hits as log lines: one JSON object each, with a rate limit.
//!
//! Fields have the same names as in the access log. Nothing could be a secret: of client data, only
//! the method, the host without user information, and the path without query are logged.

use std::borrow::Cow;
use std::cell::Cell;

use log::Level;
use peergate_engine::decision_id::{MAX_PATH_LEN, MAX_TEXT_LEN, without_userinfo};
use peergate_engine::engine::{CompiledPolicy, CompiledRule, RequestAttributes};
use peergate_engine::identity::PeerIdentity;
use peergate_engine::rule_spec::Enforcement;
use peergate_engine::telemetry::{DecisionEffect, ReasonCode};
use peergate_engine::timestamp::Timestamp;
use serde::Serialize;

use crate::denial::{Denial, truncated_text};
use crate::host::Host;
use crate::metrics::Counters;

/// The log of a policy's decisions. Denials and shadow hits have separate rate limits, so that
/// neither displaces the other.
#[derive(Debug)]
pub struct DecisionLog {
    denials: RateLimits,
    shadow: RateLimits,
}

/// One limit for callers of the mesh and one for strangers. Strangers can cause denials at any
/// rate, and must not hide those of mesh callers.
#[derive(Debug)]
struct RateLimits {
    mesh: RateLimit,
    strangers: RateLimit,
}

/// Limits the lines per second, and counts omitted ones.
#[derive(Debug)]
struct RateLimit {
    per_second: u16,
    second: Cell<u64>,
    written: Cell<u16>,
    omitted: Cell<u64>,
}

/// A log line, in the order of its fields.
#[derive(Debug, Serialize)]
struct Line<'a> {
    peergate: DecisionEffect,
    policy: String,
    rule: Option<&'a str>,
    reason: ReasonCode,
    caller: Option<&'a str>,
    method: Option<Cow<'a, str>>,
    path: Option<Cow<'a, str>>,
    host: Option<Cow<'a, str>>,
    revision: Option<&'a str>,
    decision: Option<&'a str>,
    /// The number of lines omitted before this one.
    omitted: u64,
}

impl DecisionLog {
    /// A log with at most this many lines per second of each kind, separately for callers of the
    /// mesh and strangers.
    pub fn new(per_second: u16) -> Self {
        Self {
            denials: RateLimits::new(per_second),
            shadow: RateLimits::new(per_second),
        }
    }

    /// Logs a denial.
    pub fn denial(
        &self,
        policy: &CompiledPolicy,
        denial: &Denial<'_>,
        now: Option<Timestamp>,
        counters: &Counters,
        host: &impl Host,
    ) {
        let bounds = match denial.enforcement {
            Enforcement::Enforce => &self.denials,
            Enforcement::Shadow => &self.shadow,
        };
        let Some(omitted) = bounds.for_caller(denial.is_stranger).admit(now) else {
            return counters.count_omitted_line(host);
        };
        let line = Line {
            peergate: denial.effect(),
            policy: denial.policy.to_string(),
            rule: denial.rule().map(CompiledRule::id),
            reason: denial.reason.code(),
            caller: denial.caller.as_deref(),
            method: denial.method.as_deref().map(Cow::Borrowed),
            path: denial.path.as_deref().map(Cow::Borrowed),
            host: denial.host.as_deref().map(Cow::Borrowed),
            revision: policy.revision(),
            decision: Some(&denial.id),
            omitted,
        };
        write(&line, host);
    }

    /// Logs a match of a rule in shadow.
    pub fn shadow_match(
        &self,
        policy: &CompiledPolicy,
        rule: &CompiledRule,
        request: &impl RequestAttributes,
        counters: &Counters,
        host: &impl Host,
    ) {
        let peer = request.peer();
        let bound = self.shadow.for_caller(policy.is_stranger(peer));
        let Some(omitted) = bound.admit(request.now()) else {
            return counters.count_omitted_line(host);
        };
        let caller = match &peer {
            PeerIdentity::Verified(id) => Some(id.as_str()),
            PeerIdentity::Absent | PeerIdentity::Unvalidated | PeerIdentity::Malformed => None,
        };
        let (effect, reason) = policy.recorded_effect(rule);
        let line = Line {
            peergate: effect,
            policy: rule.policy().to_string(),
            rule: Some(rule.id()),
            reason,
            caller,
            method: truncated_text(request.method(), MAX_TEXT_LEN).map(Cow::Owned),
            path: truncated_text(request.path(), MAX_PATH_LEN).map(Cow::Owned),
            host: truncated_text(request.authority().map(without_userinfo), MAX_TEXT_LEN)
                .map(Cow::Owned),
            revision: policy.revision(),
            decision: None,
            omitted,
        };
        write(&line, host);
    }
}

/// Uses a level that Istio's proxies log by default.
fn write(line: &Line<'_>, host: &impl Host) {
    if let Ok(text) = serde_json::to_string(line) {
        host.log(Level::Warn, &text);
    }
}

impl RateLimits {
    fn new(per_second: u16) -> Self {
        Self {
            mesh: RateLimit::new(per_second),
            strangers: RateLimit::new(per_second),
        }
    }

    fn for_caller(&self, is_stranger: bool) -> &RateLimit {
        if is_stranger {
            &self.strangers
        } else {
            &self.mesh
        }
    }
}

impl RateLimit {
    fn new(per_second: u16) -> Self {
        Self {
            per_second,
            second: Cell::new(0),
            written: Cell::new(0),
            omitted: Cell::new(0),
        }
    }

    /// Whether another line may be written, and how many were omitted since the last. Without a
    /// clock, all times fall into one second.
    fn admit(&self, now: Option<Timestamp>) -> Option<u64> {
        let second = now.map_or(0, Timestamp::unix_seconds);
        if self.second.replace(second) != second {
            self.written.set(0);
        }
        if self.written.get() >= self.per_second {
            self.omitted.set(self.omitted.get().saturating_add(1));
            return None;
        }
        self.written.set(self.written.get().saturating_add(1));
        Some(self.omitted.replace(0))
    }
}

#[cfg(test)]
mod tests {
    use peergate_engine::decision_id::DecisionRecord;
    use serde_json::{Value, json};

    use super::*;
    use crate::fake_host::{ADMIN, FakeHost, WEB, config, enforcer};

    fn rules() -> Value {
        json!([
            {"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}]},
            {"id": "no-admin", "effect": "Deny", "from": [{"serviceAccounts": ["admin"]}]},
            {"id": "trial", "effect": "Deny", "enforcement": "Shadow",
             "from": [{"serviceAccounts": ["web"]}]},
        ])
    }

    fn logged(change: impl FnOnce(&mut Value), host: &FakeHost) -> Vec<Value> {
        let mut config = config(&rules());
        change(&mut config);
        enforcer(&config, host).enforce(host);
        lines(host)
    }

    fn lines(host: &FakeHost) -> Vec<Value> {
        let lines = host.log.borrow();
        assert!(lines.iter().all(|(level, _)| *level == Level::Warn));
        let lines = lines.iter();
        lines
            .map(|(_, line)| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn logs_a_denial_in_one_line() {
        let host = FakeHost::with_uri_sans(&[ADMIN]);
        let [line] = &logged(|config| config["revision"] = "abc".into(), &host)[..] else {
            panic!("not one line");
        };
        let decision = line["decision"].as_str().unwrap();
        assert!(decision.len() > 40, "{decision}");
        assert_eq!(
            *line,
            json!({
                "peergate": "deny",
                "policy": "shop/orders",
                "rule": "no-admin",
                "reason": "denied-by-rule",
                "caller": ADMIN,
                "method": "GET",
                "path": "/orders",
                "host": "orders.shop:8080",
                "revision": "abc",
                "decision": decision,
                "omitted": 0,
            })
        );
    }

    #[test]
    fn logs_callers_outside_the_mesh() {
        for (host, reason, caller) in [
            (FakeHost::anonymous(), "no-identity", Value::Null),
            (
                FakeHost::with_uri_sans(&[WEB, ADMIN]),
                "malformed-identity",
                Value::Null,
            ),
            (
                FakeHost::with_uri_sans(&["spiffe://evil.example/a"]),
                "foreign-trust-domain",
                "spiffe://evil.example/a".into(),
            ),
        ] {
            let lines = logged(|_| {}, &host);
            assert_eq!(lines.len(), 1);
            assert_eq!(lines[0]["reason"], reason);
            assert_eq!(lines[0]["caller"], caller);
        }
    }

    #[test]
    fn distinguishes_shadow_rules_from_shadow_policies() {
        let host = FakeHost::with_uri_sans(&[WEB]);
        let [line] = &logged(|_| {}, &host)[..] else {
            panic!("not one line");
        };
        assert_eq!(line["peergate"], "shadow_deny");
        assert_eq!(line["rule"], "trial");
        assert_eq!(line["decision"], Value::Null);

        let host = FakeHost::anonymous();
        let lines = logged(|config| config["enforcement"] = "Shadow".into(), &host);
        assert_eq!(lines[0]["peergate"], "shadow_deny");
        assert_eq!(lines[0]["reason"], "no-identity");
    }

    #[test]
    fn does_not_log_allowed_requests() {
        let host = FakeHost::with_uri_sans(&[WEB]);
        let is_silent = |config: &mut Value| {
            config["rules"].as_array_mut().unwrap().pop();
        };
        assert_eq!(logged(is_silent, &host), [Value::Null; 0]);
    }

    fn with_secrets(caller: &str) -> FakeHost {
        FakeHost::with_uri_sans(&[caller])
            .without_header(":path")
            .with_header(":path", "/orders?token=hunter2#hunter2")
            .without_header(":authority")
            .with_header(":authority", "me:hunter2@orders.shop:8080")
            .with_header("authorization", "Bearer hunter2")
            .with_header("cookie", "hunter2")
    }

    #[test]
    fn does_not_log_secrets() {
        for caller in [ADMIN, WEB] {
            let lines = logged(|_| {}, &with_secrets(caller));
            assert_eq!(lines[0]["host"], "@orders.shop:8080");
            assert!(!lines[0].to_string().contains("hunter2"), "{}", lines[0]);
        }
    }

    #[test]
    fn does_not_put_secrets_into_ids() {
        let lines = logged(|_| {}, &with_secrets(ADMIN));
        let id = lines[0]["decision"].as_str().unwrap();
        let record = DecisionRecord::decode(id).unwrap();
        assert_eq!(record.host.unwrap(), b"@orders.shop:8080");
        assert_eq!(record.path.unwrap(), b"/orders");
    }

    #[test]
    fn limits_the_length_of_a_line() {
        let long = "\"".repeat(50_000);
        for caller in [ADMIN, WEB] {
            let host = FakeHost::with_uri_sans(&[caller])
                .without_header(":path")
                .without_header(":method")
                .without_header(":authority")
                .with_header(":path", format!("/{long}"))
                .with_header(":method", &long)
                .with_header(":authority", &long);
            logged(|_| {}, &host);
            let lines = host.log.borrow();
            let (_, line) = lines.first().unwrap();
            assert!(line.len() < 5_000, "{}", line.len());
            let line: Value = serde_json::from_str(line).unwrap();
            assert!(line["path"].as_str().unwrap().ends_with('…'), "{line}");
        }
    }

    #[test]
    fn limits_the_rate_and_reports_omitted_lines() {
        let start = FakeHost::with_uri_sans(&[ADMIN]).at("2026-06-01T12:00:00Z");
        let mut config = config(&rules());
        config["reporting"] = json!({"log": {"linesPerSecond": 2}});
        let enforcer = enforcer(&config, &start);
        let mut host = start;
        for _ in 0..5 {
            enforcer.enforce(&host);
            host.responses.borrow_mut().clear();
        }
        assert_eq!(lines(&host).len(), 2);
        host = host.at("2026-06-01T12:00:01Z");
        enforcer.enforce(&host);
        let lines = lines(&host);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2]["omitted"], 3);
        assert_eq!(host.value("peergate_log_lines_omitted_total"), 3);
    }

    const GATEWAY: &str = "spiffe://cluster.local/ns/edge/sa/gateway";

    /// The callers in the log of a flood: each sends five requests within a second, in which two
    /// lines may be written.
    fn callers_logged(enforcement: &str, callers: &[Option<&str>]) -> Vec<String> {
        let mut config = config(&rules());
        config["enforcement"] = enforcement.into();
        config["mesh"]["gateways"] = json!(["edge/gateway"]);
        config["reporting"] = json!({"log": {"linesPerSecond": 2}});
        let enforcer = enforcer(&config, &FakeHost::anonymous());
        let mut logged = Vec::new();
        for caller in callers {
            let host = match caller {
                Some(caller) => FakeHost::with_uri_sans(&[caller]),
                None => FakeHost::anonymous(),
            };
            let host = host.at("2026-06-01T12:00:00Z");
            for _ in 0..5 {
                enforcer.enforce(&host);
                host.responses.borrow_mut().clear();
            }
            let callers = lines(&host).into_iter();
            logged.extend(callers.map(|line| line["caller"].as_str().unwrap_or("-").to_owned()));
        }
        logged
    }

    #[test]
    fn strangers_cannot_hide_denials_of_mesh_callers() {
        for enforcement in ["Enforce", "Shadow"] {
            let logged = callers_logged(enforcement, &[None, Some(GATEWAY), Some(ADMIN)]);
            assert_eq!(logged, ["-", "-", ADMIN, ADMIN]);
            let logged = callers_logged(enforcement, &[Some(GATEWAY), Some(ADMIN), None]);
            assert_eq!(logged, [GATEWAY, GATEWAY, ADMIN, ADMIN]);
        }
    }

    /// For `WEB`, a rule in shadow is logged under the same limits as denials in shadow.
    #[test]
    fn strangers_cannot_hide_shadow_matches() {
        let logged = callers_logged("Shadow", &[None, Some(WEB)]);
        assert_eq!(logged, ["-", "-", WEB, WEB]);
    }

    #[test]
    fn logs_nothing_if_disabled() {
        let host = FakeHost::with_uri_sans(&[ADMIN]);
        let is_off = |config: &mut Value| {
            config["reporting"] = json!({"log": {"linesPerSecond": 0}});
        };
        assert_eq!(logged(is_off, &host), [Value::Null; 0]);
    }
}
