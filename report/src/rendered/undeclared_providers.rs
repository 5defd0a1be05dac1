//! Notes about providers that are used but not declared.

use policy_schema::policy::{PolicySet, ProviderUse, UndeclaredProvider};

/// Notes providers that proxies may not reach. Their rules deny every matching request, and their logs and traces are lost.
pub(crate) fn unreached(set: &PolicySet) -> Vec<String> {
    if set.mesh().limits_outbound() {
        notes(set, "proxies may not reach with `outbound: Declared`")
    } else {
        Vec::new()
    }
}

/// Notes providers that the mesh config of `install-values` does not define.
pub fn undefined(set: &PolicySet) -> Vec<String> {
    notes(set, "the mesh config does not define")
}

/// `problem` completes the clause "provider `NAME`, which …".
fn notes(set: &PolicySet, problem: &str) -> Vec<String> {
    let undeclared = set.undeclared_providers().into_iter();
    undeclared
        .map(|provider| note(&provider, problem))
        .collect()
}

fn note(provider: &UndeclaredProvider<'_>, problem: &str) -> String {
    let UndeclaredProvider { name, used_for } = provider;
    let (use_of, remedy, consequence) = match used_for {
        ProviderUse::Rule { policy, rule } => (
            format!("rule `{rule}` of policy `{policy}` uses"),
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
    format!("{use_of} provider `{name}`, which {problem}: {remedy}, or {consequence}")
}
