//! Reports providers that are probably misspelled.
//!
//! Istio's mesh config may define other providers, so an unknown name alone is no mistake.

use super::Found;
use super::misspelling::Names;
use crate::code;
use crate::document::ExtensionProviderSpec;
use crate::policy::PolicySet;
use crate::problem::{Cursor, Problems};

/// Reports providers of rules and of telemetry that misspell one of the mesh.
pub(super) fn check(set: &PolicySet, found: &mut Found) {
    let providers = &set.mesh().extension_providers;
    let named = |authorizes: bool| {
        let of_kind = providers.iter();
        let of_kind = of_kind.filter(move |provider| provider.api.authorizes() == authorizes);
        Names::new(of_kind.map(|provider| provider.name.as_str()))
    };
    let spec = Cursor::Root;
    let spec = spec.key("spec");
    let authorizers = named(true);
    let rules = spec.key("rules");
    for (position, policy) in set.policies().iter().enumerate() {
        for (index, rule) in policy.rules.iter().enumerate() {
            if let Some(name) = &rule.provider {
                let cursor = rules.index(index);
                let cursor = cursor.key("provider");
                check_name(
                    name,
                    &authorizers,
                    providers,
                    &cursor,
                    found.for_policy(position),
                );
            }
        }
    }
    let access_log = set.mesh().telemetry.access_log.as_ref();
    if let Some(name) = access_log.and_then(|access_log| access_log.provider.as_deref()) {
        let telemetry = spec.key("telemetry");
        let access_log = telemetry.key("accessLog");
        let cursor = access_log.key("provider");
        check_name(name, &named(false), providers, &cursor, &mut found.mesh);
    }
}

fn check_name(
    name: &str,
    known: &Names<'_>,
    providers: &[ExtensionProviderSpec],
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    if providers.iter().any(|provider| provider.name == name) {
        return;
    }
    let in_lower_case = name.to_lowercase();
    let mut providers = providers.iter().map(|provider| provider.name.as_str());
    let same = providers.find(|other| other.to_lowercase() == in_lower_case);
    if let Some(meant) = same.or_else(|| known.closest(name)) {
        problems.report(
            code::UNKNOWN_PROVIDER,
            cursor,
            format!("the mesh declares no provider `{name}`"),
            format!("did you mean `{meant}`?"),
        );
    }
}
