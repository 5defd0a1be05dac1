//! Compares two rules of a plugin config as written: does one match everything that the other does?

use crate::rule_spec::{ConditionSpec, Effect, OperationSpec, RuleSpec, SourceSpec};
use crate::timestamp::{Timestamp, Validity};

/// Whether `wide` matches everything that `narrow` matches, as written. Both have the same effect.
pub(super) fn covers(wide: &RuleSpec, narrow: &RuleSpec) -> bool {
    is_within(narrow, wide)
        && sources_cover(wide, narrow)
        && match (&wide.to, &narrow.to) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wide), Some(narrow)) => narrow
                .iter()
                .all(|narrow| wide.iter().any(|wide| operation_covers(wide, narrow))),
        }
        && wide.when.iter().flatten().all(|wide| {
            let mut narrow = narrow.when.iter().flatten();
            narrow.any(|narrow| condition_covers(wide, narrow))
        })
}

/// Whether `wide` is valid whenever `narrow` is.
fn is_within(narrow: &RuleSpec, wide: &RuleSpec) -> bool {
    let (Some(narrow), Some(wide)) = (validity(narrow), validity(wide)) else {
        return false;
    };
    let starts = wide
        .not_before
        .is_none_or(|wide| narrow.not_before.is_some_and(|narrow| wide <= narrow));
    let ends = wide
        .not_after
        .is_none_or(|wide| narrow.not_after.is_some_and(|narrow| narrow <= wide));
    starts && ends
}

fn sources_cover(wide: &RuleSpec, narrow: &RuleSpec) -> bool {
    match (&wide.from, &narrow.from) {
        (None, None) => true,
        // An `Allow` rule without sources matches everyone with an identity of the mesh.
        (None, Some(narrow)) => {
            wide.effect != Effect::Allow
                || narrow.iter().all(|source| {
                    source.anonymous.is_none()
                        && source.client_certificates.is_none()
                        && source.not_client_certificates.is_none()
                })
        }
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => narrow
            .iter()
            .all(|narrow| wide.iter().any(|wide| source_covers(wide, narrow))),
    }
}

fn source_covers(wide: &SourceSpec, narrow: &SourceSpec) -> bool {
    let SourceSpec {
        anonymous,
        client_certificates,
        not_client_certificates,
        principals,
        not_principals,
        service_accounts,
        not_service_accounts,
        namespaces,
        not_namespaces,
        trust_domains,
        not_trust_domains,
        request_principals,
        not_request_principals,
        ip_blocks,
        not_ip_blocks,
        remote_ip_blocks,
        not_remote_ip_blocks,
    } = wide;
    // Only sources that name callers from outside the mesh match them.
    *anonymous == narrow.anonymous
        && client_certificates.is_some() == narrow.client_certificates.is_some()
        && not_client_certificates.is_some() == narrow.not_client_certificates.is_some()
        && any_of(
            client_certificates.as_deref(),
            narrow.client_certificates.as_deref(),
        )
        && none_of(
            not_client_certificates.as_deref(),
            narrow.not_client_certificates.as_deref(),
        )
        && any_of(principals.as_deref(), narrow.principals.as_deref())
        && none_of(not_principals.as_deref(), narrow.not_principals.as_deref())
        && any_of(
            service_accounts.as_deref(),
            narrow.service_accounts.as_deref(),
        )
        && none_of(
            not_service_accounts.as_deref(),
            narrow.not_service_accounts.as_deref(),
        )
        && any_of(namespaces.as_deref(), narrow.namespaces.as_deref())
        && none_of(not_namespaces.as_deref(), narrow.not_namespaces.as_deref())
        && any_of(trust_domains.as_deref(), narrow.trust_domains.as_deref())
        && none_of(
            not_trust_domains.as_deref(),
            narrow.not_trust_domains.as_deref(),
        )
        && any_of(
            request_principals.as_deref(),
            narrow.request_principals.as_deref(),
        )
        && none_of(
            not_request_principals.as_deref(),
            narrow.not_request_principals.as_deref(),
        )
        && any_of(ip_blocks.as_deref(), narrow.ip_blocks.as_deref())
        && none_of(not_ip_blocks.as_deref(), narrow.not_ip_blocks.as_deref())
        && any_of(
            remote_ip_blocks.as_deref(),
            narrow.remote_ip_blocks.as_deref(),
        )
        && none_of(
            not_remote_ip_blocks.as_deref(),
            narrow.not_remote_ip_blocks.as_deref(),
        )
}

fn operation_covers(wide: &OperationSpec, narrow: &OperationSpec) -> bool {
    let OperationSpec {
        methods,
        not_methods,
        paths,
        not_paths,
        hosts,
        not_hosts,
        ports,
        not_ports,
    } = wide;
    any_of(methods.as_deref(), narrow.methods.as_deref())
        && none_of(not_methods.as_deref(), narrow.not_methods.as_deref())
        && any_of(paths.as_deref(), narrow.paths.as_deref())
        && none_of(not_paths.as_deref(), narrow.not_paths.as_deref())
        && any_of(hosts.as_deref(), narrow.hosts.as_deref())
        && none_of(not_hosts.as_deref(), narrow.not_hosts.as_deref())
        && any_of(ports.as_deref(), narrow.ports.as_deref())
        && none_of(not_ports.as_deref(), narrow.not_ports.as_deref())
}

fn condition_covers(wide: &ConditionSpec, narrow: &ConditionSpec) -> bool {
    let ConditionSpec {
        key,
        values,
        not_values,
    } = wide;
    *key == narrow.key
        && any_of(values.as_deref(), narrow.values.as_deref())
        && none_of(not_values.as_deref(), narrow.not_values.as_deref())
}

/// Whether `wide` includes every value of `narrow`.
fn any_of<V: PartialEq>(wide: Option<&[V]>, narrow: Option<&[V]>) -> bool {
    match (wide, narrow) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => narrow.iter().all(|value| wide.contains(value)),
    }
}

/// Whether `narrow` excludes every value that `wide` excludes.
fn none_of<V: PartialEq>(wide: Option<&[V]>, narrow: Option<&[V]>) -> bool {
    match (wide, narrow) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => wide.iter().all(|value| narrow.contains(value)),
    }
}

/// When a rule is valid. None if a time is invalid.
pub(super) fn validity(rule: &RuleSpec) -> Option<Validity> {
    let read = |time: &Option<String>| match time {
        None => Some(None),
        Some(text) => Timestamp::parse(text).ok().map(Some),
    };
    Some(Validity {
        not_before: read(&rule.not_before)?,
        not_after: read(&rule.not_after)?,
    })
}
