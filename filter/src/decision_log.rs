//! Decision → log line. Of denials only, and at a level that is off by default.

use log::debug;
use policy_schema::engine::{CompiledPolicy, Decision};

/// Logs a denial: policy, rule and reason, and nothing that the client sent.
pub(crate) fn log_denial(policy: &CompiledPolicy, decision: &Decision<'_>) {
    let reason = decision.reason();
    debug!(
        "denied: policy={} rule={} reason={}",
        policy.name(),
        reason.rule().map_or("-", |rule| rule.id()),
        reason.code()
    );
}
