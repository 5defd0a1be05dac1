//! Decision → what Envoy's access log can show of it: values in the filter state, which no client can
//! write, as `%FILTER_STATE(wasm.NAME:PLAIN)%`.

use policy_schema::engine::{CompiledPolicy, CompiledRule, Decision};

use crate::denial::Denial;
use crate::host::Host;

/// The names, which are those of the metrics' labels where there is one.
const POLICY: &[u8] = b"peergate_policy";
const RULE: &[u8] = b"peergate_rule";
const EFFECT: &[u8] = b"peergate_effect";
const REASON: &[u8] = b"peergate_reason";
const DECISION: &[u8] = b"peergate_decision";

/// Leaves a denial.
pub fn leave_denial(denial: &Denial<'_>, host: &impl Host) {
    leave(
        &denial.policy.to_string(),
        denial.rule(),
        denial.effect(),
        denial.reason.code(),
        host,
    );
    host.set_property(DECISION, denial.id.as_bytes());
}

/// Leaves a decision that lets the request pass.
pub fn leave_allowance(policy: &CompiledPolicy, decision: &Decision<'_>, host: &impl Host) {
    let reason = decision.reason();
    let by = reason.rule().map_or(policy.name(), CompiledRule::policy);
    leave(
        &by.to_string(),
        reason.rule(),
        decision.effect(),
        reason.code(),
        host,
    );
}

/// Leaves that a rule in shadow matched. What a `Telemetry` logs as denied goes by its effect.
pub fn leave_shadow_match(policy: &CompiledPolicy, rule: &CompiledRule, host: &impl Host) {
    let (effect, reason) = policy.recorded_as(rule);
    leave(&rule.policy().to_string(), Some(rule), effect, reason, host);
}

fn leave(policy: &str, rule: Option<&CompiledRule>, effect: &str, reason: &str, host: &impl Host) {
    host.set_property(POLICY, policy.as_bytes());
    host.set_property(RULE, rule.map_or("-", CompiledRule::id).as_bytes());
    host.set_property(EFFECT, effect.as_bytes());
    host.set_property(REASON, reason.as_bytes());
}
