//! Decision → log line. Of denials only, and at a level that proxies leave out by default.

use log::Level;
use policy_schema::engine::{CompiledRule, Decision, Outcome};
use policy_schema::plugin_config::PolicyName;

use crate::host::Host;

/// Logs a denial: policy, rule and reason, and nothing that the client sent.
pub fn log_denial(policy: &PolicyName, decision: &Decision<'_>, host: &impl Host) {
    if decision.outcome() == Outcome::Allowed {
        return;
    }
    let reason = decision.reason();
    let outcome = if decision.lets_pass() {
        "would be denied"
    } else {
        "denied"
    };
    let line = format!(
        "{outcome}: policy={} rule={} reason={}",
        reason.rule().map_or(policy, CompiledRule::policy),
        reason.rule().map_or("-", |rule| rule.id()),
        reason.code(),
    );
    host.log(Level::Debug, &line);
}

#[cfg(test)]
mod tests {
    use log::Level;
    use serde_json::json;

    use crate::fake_host::{ADMIN, FakeHost, WEB, config, enforcer};

    fn logged(enforcement: &str, host: &FakeHost) -> Vec<String> {
        let mut config = config(&json!([
            {"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}]},
            {"id": "no-admin", "effect": "Deny", "from": [{"serviceAccounts": ["admin"]}]},
        ]));
        config["enforcement"] = enforcement.into();
        enforcer(&config, host).enforce(host);
        let lines = host.log.borrow();
        assert!(lines.iter().all(|(level, _)| *level == Level::Debug));
        lines.iter().map(|(_, line)| line.clone()).collect()
    }

    #[test]
    fn a_denial_is_one_line_of_policy_rule_and_reason() {
        assert_eq!(
            logged("Enforce", &FakeHost::with_uri_sans(&[ADMIN])),
            ["denied: policy=shop/orders rule=no-admin reason=denied-by-rule"]
        );
        assert_eq!(
            logged("Enforce", &FakeHost::anonymous()),
            ["denied: policy=shop/orders rule=- reason=no-identity"]
        );
        assert_eq!(
            logged("Shadow", &FakeHost::anonymous()),
            ["would be denied: policy=shop/orders rule=- reason=no-identity"]
        );
    }

    #[test]
    fn what_passes_is_not_logged() {
        assert_eq!(logged("Enforce", &FakeHost::with_uri_sans(&[WEB])), [""; 0]);
    }
}
