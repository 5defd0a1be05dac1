//! Checks strict mutual TLS and its exceptions.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::attachment::check_labels;
use super::lists::check_not_empty;
use super::names::check_label;
use crate::check::check_ports;
use crate::code;
use crate::document::{Mtls, MtlsExceptionSpec, MtlsMode};
use crate::policy::{MtlsException, MtlsPlan, Selectors};
use crate::problem::{Cursor, Problems};
use crate::timestamp::Timestamp;

/// Reads the `mtls` of a mesh. `cursor` is at the mesh's `spec`.
pub(super) fn check(
    spec: Option<&Mtls>,
    root_namespace: &str,
    at: Timestamp,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> MtlsPlan {
    let cursor = cursor.key("mtls");
    let default = Mtls::default();
    let spec = spec.unwrap_or(&default);
    let cursor = cursor.key("exceptions");
    let specs = spec.exceptions.as_deref();
    check_not_empty(
        specs,
        "remove the field to have no exceptions",
        &cursor,
        problems,
    );
    let specs = specs.unwrap_or_default();
    match spec.mode {
        Some(MtlsMode::Permissive) if !specs.is_empty() => problems.report(
            code::EXCLUSIVE_FIELDS,
            &cursor,
            "a permissive mesh cannot have exceptions",
            "remove `mode: Permissive`, or the exceptions",
        ),
        None if !specs.is_empty() => problems.report(
            code::MISSING_FIELD,
            &cursor,
            "exceptions require strict mutual TLS, but this `Mesh` leaves the mode to the cluster",
            "add `mode: Strict` to `mtls`, or remove the exceptions",
        ),
        _ => {}
    }
    let mut exceptions: Vec<(usize, MtlsException)> = Vec::with_capacity(specs.len());
    for (index, spec) in specs.iter().enumerate() {
        let cursor = cursor.index(index);
        if spec.namespace == root_namespace {
            problems.report(
                code::INVALID_SCOPE,
                &cursor.key("namespace"),
                format!("Istio applies an object in the root namespace `{root_namespace}` to the whole mesh"),
                "move the workload to another namespace",
            );
        }
        if let Some(exception) = check_exception(spec, index, &cursor, problems) {
            if exception.has_expired(at) {
                report_ended(&exception, &cursor.key("notAfter"), problems);
            }
            exceptions.push((index, exception));
        }
    }
    check_across_policies(&exceptions, &cursor, problems);
    let exceptions = exceptions.into_iter().map(|(_, exception)| exception);
    let mut exceptions: Vec<_> = exceptions.collect();
    exceptions.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    MtlsPlan {
        mode: spec.mode,
        min_version: spec.min_version.unwrap_or_default(),
        is_specified: spec.mode.is_some() || spec.min_version.is_some(),
        exceptions,
        at,
    }
}

fn check_exception(
    spec: &MtlsExceptionSpec,
    position: usize,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<MtlsException> {
    let before = problems.count();
    check_label(&spec.name, &cursor.key("name"), problems);
    check_label(&spec.namespace, &cursor.key("namespace"), problems);
    if spec.owner.is_empty() {
        problems.report(
            code::EMPTY_VALUE,
            &cursor.key("owner"),
            "the exception has no owner",
            "set `owner` to the team that will end it",
        );
    }
    let labels = spec.selector.as_ref().map(|selector| {
        let cursor = cursor.key("selector");
        check_labels(selector, &cursor.key("matchLabels"), problems)
    });
    let ports = check_ports(spec.ports.as_deref(), &cursor.key("ports"), problems);
    if labels.is_none() && !ports.is_empty() {
        problems.report(
            code::MISSING_FIELD,
            cursor,
            "`ports` requires a `selector`",
            "add the workload's labels to `selector`, or remove the ports",
        );
    }
    let not_after = check_end(spec, cursor, problems);
    (problems.count() == before).then_some(MtlsException {
        name: spec.name.clone(),
        namespace: spec.namespace.clone(),
        labels,
        ports,
        mode: spec.mode.unwrap_or_default(),
        owner: spec.owner.clone(),
        not_after: not_after?,
        position,
    })
}

fn check_end(
    spec: &MtlsExceptionSpec,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<Timestamp> {
    let cursor = cursor.key("notAfter");
    let Ok(end) = Timestamp::parse(&spec.not_after) else {
        problems.report(
            code::INVALID_TIME,
            &cursor,
            format!("`{}` is not a UTC time", spec.not_after),
            "write a time such as `2026-12-31T23:59:59Z`",
        );
        return None;
    };
    Some(end)
}

fn report_ended(exception: &MtlsException, cursor: &Cursor<'_>, problems: &mut Problems) {
    problems.report(
        code::EXPIRED_EXCEPTION,
        cursor,
        format!(
            "exception `{}` expired at {}",
            exception.name, exception.not_after
        ),
        format!(
            "remove it, or agree on a later date with {}; it is no longer rendered",
            exception.owner
        ),
    );
}

/// Reports conflicting exceptions. Of several objects for the same namespace or workload, Istio
/// uses the oldest. `exceptions` are in the order of the document, each with its index.
fn check_across_policies(
    exceptions: &[(usize, MtlsException)],
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let mut namespaces: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for (rank, (_, exception)) in exceptions.iter().enumerate() {
        let there = namespaces.entry(&exception.namespace).or_default();
        there.extend(exception.labels.as_ref().map(|labels| (rank, labels)));
    }
    let namespaces: BTreeMap<_, _> = namespaces
        .into_iter()
        .map(|(namespace, ranked)| (namespace, Selectors::new(ranked)))
        .collect();
    let mut names = HashSet::with_capacity(exceptions.len());
    let mut whole: HashMap<&str, &MtlsException> = HashMap::new();
    for (rank, (index, exception)) in exceptions.iter().enumerate() {
        let cursor = cursor.index(*index);
        let namespace = exception.namespace.as_str();
        // An exception for a workload precedes one for its namespace.
        let with_conflict = match &exception.labels {
            Some(labels) => {
                let selectors = namespaces.get(namespace);
                let meeting = selectors.and_then(|there| there.compatible(labels).next());
                let first = meeting.filter(|first| *first < rank);
                first.and_then(|first| Some(&exceptions.get(first)?.1))
            }
            None => Some(*whole.entry(namespace).or_insert(exception))
                .filter(|first| !std::ptr::eq(*first, exception)),
        };
        if !names.insert((namespace, &exception.name)) {
            problems.report(
                code::DUPLICATE_EXCEPTION,
                &cursor.key("name"),
                format!("duplicate exception `{}`", exception.name),
                "use a unique name for each exception of a namespace",
            );
        } else if let Some(other) = with_conflict {
            problems.report(
                code::DUPLICATE_EXCEPTION,
                &cursor,
                format!(
                    "exception `{}` may apply to the same workloads, and Istio uses only one",
                    other.name
                ),
                "merge them, or add a label with different values to both",
            );
        }
    }
}
