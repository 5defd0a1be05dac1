//! Checks services that proxies call themselves.

use std::collections::HashSet;

use super::documents_by_name::DocumentsByName;
use super::lists::check_not_empty;
use super::names::check_subdomain;
use crate::code;
use crate::diagnostic::Diagnostic;
use crate::document::{ExtensionProviderSpec, TelemetrySpec};
use crate::policy::{PolicySet, RESERVED_PROVIDERS};
use crate::problem::{Cursor, Problems};

/// Checks the providers of a mesh. `cursor` is at its `spec`.
pub(super) fn check(
    providers: Option<&[ExtensionProviderSpec]>,
    telemetry: &TelemetrySpec,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let list = cursor.key("extensionProviders");
    check_not_empty(
        providers,
        "add a provider, or remove the field",
        &list,
        problems,
    );
    let providers = providers.unwrap_or_default();
    let tracing = telemetry.tracing.as_ref().filter(|it| it.service.is_some());
    let mut names: HashSet<&str> = RESERVED_PROVIDERS.into();
    names.extend(tracing.map(|tracing| tracing.provider.as_str()));
    for (index, provider) in providers.iter().enumerate() {
        let cursor = list.index(index);
        check_provider(provider, &cursor, problems);
        if !names.insert(&provider.name) {
            problems.report(
                code::INVALID_VALUE,
                &cursor.key("name"),
                format!("provider `{}` already exists", provider.name),
                "use a unique name for each provider",
            );
        }
    }
    let access_log = telemetry.access_log.as_ref();
    if let Some(name) = access_log.and_then(|access_log| access_log.provider.as_deref())
        && let Some(provider) = providers.iter().find(|provider| provider.name == name)
        && provider.api.authorizes()
    {
        let telemetry = cursor.key("telemetry");
        problems.report(
            code::INVALID_VALUE,
            &telemetry.key("accessLog").key("provider"),
            format!("provider `{name}` does not accept access logs"),
            "use a provider with `api: OpenTelemetryLogs`",
        );
    }
}

fn check_provider(provider: &ExtensionProviderSpec, cursor: &Cursor<'_>, problems: &mut Problems) {
    if provider.name.is_empty() {
        problems.report(
            code::EMPTY_VALUE,
            &cursor.key("name"),
            "the provider has no name",
            "add the name that rules or `telemetry` use",
        );
    }
    check_subdomain(&provider.service, &cursor.key("service"), problems);
    if provider.port == 0 {
        problems.report(
            code::INVALID_VALUE,
            &cursor.key("port"),
            "0 is not a port",
            "use a port from 1 to 65535",
        );
    }
}

/// Reports `Custom` rules whose provider is not an external authorizer.
pub(super) fn check_across_policies(
    documents: &DocumentsByName<'_>,
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let providers = set.mesh.extension_providers.iter();
    let others: HashSet<&str> = providers
        .filter(|provider| !provider.api.authorizes())
        .map(|provider| provider.name.as_str())
        .collect();
    if others.is_empty() {
        return;
    }
    let spec = Cursor::Root;
    let spec = spec.key("spec");
    let rules = spec.key("rules");
    for policy in set.policies() {
        for (index, rule) in policy.rules.iter().enumerate() {
            if let (Some(name), Some(document)) = (rule.provider.as_deref(), documents.get(policy))
                && others.contains(name)
            {
                document.report(
                    diagnostics,
                    code::INVALID_VALUE,
                    &rules.index(index).key("provider"),
                    format!("provider `{name}` of the mesh does not authorize requests"),
                    "use a provider with `api: ExtAuthzGrpc` or `api: ExtAuthzHttp`",
                );
            }
        }
    }
}
