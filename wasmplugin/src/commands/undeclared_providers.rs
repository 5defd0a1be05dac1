//! Providers that documents use and none declares, on stderr.

use policy_schema::policy::{PolicySet, ProviderUse, UndeclaredProvider};

use crate::report;

/// Reports providers that proxies may not reach. Requests that are to be asked about are denied then, and logs and
/// traces are lost.
pub(super) fn note_unreached(set: &PolicySet) {
    if set.mesh().limits_outbound() {
        note(set, "proxies may not reach with `outbound: Declared`");
    }
}

/// Reports providers that the mesh config of `install-values` does not define.
pub(super) fn note_undefined(set: &PolicySet) {
    note(set, "the mesh config does not define");
}

/// `fault` ends the clause "provider `NAME`, which …".
fn note(set: &PolicySet, fault: &str) {
    for UndeclaredProvider { name, used_for } in set.undeclared_providers() {
        let (use_of, remedy, consequence) = match used_for {
            ProviderUse::Rule { policy, rule } => (
                format!("rule `{rule}` of policy `{policy}` asks"),
                "add its service to `extensionProviders` of the `Mesh`",
                "every request that the rule matches is denied",
            ),
            ProviderUse::AccessLog => (
                "access logs go to".to_owned(),
                "add its service to `extensionProviders` of the `Mesh`, with `api: OpenTelemetryLogs`",
                "they are lost",
            ),
            ProviderUse::Tracing => (
                "traces go to".to_owned(),
                "name its `service` under `telemetry.tracing` of the `Mesh`",
                "they are lost",
            ),
        };
        report::note(&format!(
            "{use_of} provider `{name}`, which {fault}: {remedy}, or {consequence}"
        ));
    }
}
