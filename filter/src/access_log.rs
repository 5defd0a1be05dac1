//! Writes decisions to the filter state for Envoy's access log, as
//! `%FILTER_STATE(wasm.NAME:PLAIN)%`. Clients cannot write filter state.

use peergate_engine::engine::{CompiledPolicy, CompiledRule, Decision};
use peergate_engine::telemetry::{DECISION_ID, DecisionEffect, Label, ReasonCode, rule_label};

use crate::denial::Denial;
use crate::host::Host;

/// Writes a denial.
pub fn write_denial(denial: &Denial<'_>, host: &impl Host) {
    write(
        &denial.policy.to_string(),
        denial.rule(),
        denial.effect(),
        denial.reason.code(),
        host,
    );
    host.set_property(DECISION_ID.as_bytes(), denial.id.as_bytes());
}

/// Writes a decision that lets the request pass.
pub fn write_allowance(policy: &CompiledPolicy, decision: &Decision<'_>, host: &impl Host) {
    let reason = decision.reason();
    let by = reason.rule().map_or(policy.name(), CompiledRule::policy);
    write(
        &by.to_string(),
        reason.rule(),
        decision.effect(),
        reason.code(),
        host,
    );
}

/// Writes a match of a rule in shadow. A `Telemetry` recognizes denials by the effect.
pub fn write_shadow_match(policy: &CompiledPolicy, rule: &CompiledRule, host: &impl Host) {
    let (effect, reason) = policy.recorded_effect(rule);
    write(&rule.policy().to_string(), Some(rule), effect, reason, host);
}

fn write(
    policy: &str,
    rule: Option<&CompiledRule>,
    effect: DecisionEffect,
    reason: ReasonCode,
    host: &impl Host,
) {
    let write = |label: Label, value: &str| {
        host.set_property(label.tag().as_bytes(), value.as_bytes());
    };
    write(Label::Policy, policy);
    write(Label::Rule, rule_label(rule.map(CompiledRule::id)));
    write(Label::Effect, effect.as_str());
    write(Label::Reason, reason.as_str());
}
