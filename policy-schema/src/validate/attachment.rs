//! Checks what a policy applies to: a workload, a namespace, the mesh, or gateways and waypoints.

use crate::check::is_dns_label;
use crate::code;
use crate::document::{PolicyScope, Selector, ServicePolicySpec, TARGETS, TargetRef};
use crate::policy::{Attachment, IstioVersion, Labels, Mesh};
use crate::problem::{Cursor, Problems};

/// The first version of Istio with `targetRefs`.
const TARGET_REFS: IstioVersion = IstioVersion::minor(22);

/// Istio's maximum number of targets in one object.
const MAX_TARGETS: usize = 16;

/// Reads the attachment of a policy in `namespace`. `cursor` is at its `spec`.
pub(super) fn check(
    spec: &ServicePolicySpec,
    namespace: &str,
    mesh: Option<&Mesh>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<Attachment> {
    let before = problems.count();
    let labels = spec.selector.as_ref().map(|selector| {
        let cursor = cursor.key("selector");
        check_labels(selector, &cursor.key("matchLabels"), problems)
    });
    let attachment = attachment(spec, labels, cursor, problems)?;
    check_namespace(&attachment, namespace, mesh, cursor, problems);
    (problems.count() == before).then_some(attachment)
}

/// The attachment. None if fields exclude each other.
fn attachment(
    spec: &ServicePolicySpec,
    labels: Option<Labels>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<Attachment> {
    match (spec.scope, labels, &spec.target_refs) {
        (None, None, Some(targets)) => Some(Attachment::Targets(targets.clone())),
        (None, Some(labels), None) => Some(Attachment::Workload(labels)),
        (Some(PolicyScope::Namespace), None, None) => Some(Attachment::Namespace),
        (Some(PolicyScope::Mesh), labels, None) => {
            Some(Attachment::Mesh(labels.unwrap_or_default()))
        }
        (_, _, Some(_)) => {
            problems.report(
                code::EXCLUSIVE_FIELDS,
                &cursor.key("targetRefs"),
                "`targetRefs` cannot be combined with `selector` or `scope`",
                "keep one of them, or split the policy in two",
            );
            None
        }
        (Some(PolicyScope::Namespace), Some(_), None) => {
            problems.report(
                code::EXCLUSIVE_FIELDS,
                &cursor.key("scope"),
                "a policy with a selector does not apply to the whole namespace",
                "keep one of `scope` and `selector`",
            );
            None
        }
        (None, None, None) => {
            problems.report(
                code::MISSING_FIELD,
                cursor,
                "the policy does not say what it applies to",
                "add a workload's labels to `selector`, use `scope: Namespace` for the whole namespace, or name gateways and services in `targetRefs`",
            );
            None
        }
    }
}

/// Reports attachments with another meaning in this namespace: a policy of the root namespace
/// applies to every namespace.
fn check_namespace(
    attachment: &Attachment,
    namespace: &str,
    mesh: Option<&Mesh>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let is_root = mesh.is_some_and(|mesh| mesh.root_namespace == namespace);
    match (attachment, mesh) {
        (Attachment::Targets(targets), _) => check_targets(targets, mesh, is_root, cursor, problems),
        (Attachment::Workload(_), _) if is_root => problems.report(
            code::INVALID_SCOPE,
            &cursor.key("selector"),
            format!("in the root namespace `{namespace}`, this selects pods of every namespace"),
            "add `scope: Mesh` if that is intended, or move the policy to the namespace of its workload",
        ),
        (Attachment::Namespace, _) if is_root => problems.report(
            code::INVALID_SCOPE,
            &cursor.key("scope"),
            format!("in Istio, a policy for the root namespace `{namespace}` applies to the whole mesh"),
            "use `scope: Mesh` if that is intended",
        ),
        (Attachment::Mesh(_), Some(mesh)) if !is_root => problems.report(
            code::INVALID_SCOPE,
            &cursor.key("scope"),
            "a policy for the mesh belongs in the root namespace",
            format!("move it to namespace `{}`", mesh.root_namespace),
        ),
        (Attachment::Workload(_) | Attachment::Namespace | Attachment::Mesh(_), _) => {}
    }
}

pub(super) fn check_labels(
    selector: &Selector,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Labels {
    if selector.match_labels.is_empty() {
        problems.report(
            code::EMPTY_MATCHER,
            cursor,
            "the selector has no label, so it would select every workload of the namespace",
            "add the labels of one workload, such as `app: cart`, or use `scope: Namespace` instead",
        );
    }
    for (key, value) in &selector.match_labels {
        if !is_label_key(key) || !is_label_value(value) {
            problems.report(
                code::INVALID_NAME,
                &cursor.key(key),
                format!("`{key}: {value}` is not a valid pod label"),
                "use letters, digits, `-`, `_` and `.`, at most 63 characters; start and end with a letter or digit",
            );
        }
    }
    selector.match_labels.clone()
}

fn check_targets(
    targets: &[TargetRef],
    mesh: Option<&Mesh>,
    is_root: bool,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let cursor = cursor.key("targetRefs");
    if let Some(mesh) = mesh
        && mesh.istio_version < TARGET_REFS
    {
        problems.report(
            code::UNSUPPORTED_BY_ISTIO,
            &cursor,
            format!("Istio {} does not support `targetRefs`", mesh.istio_version),
            format!("select the gateway's pods with `selector`, or upgrade to {TARGET_REFS}"),
        );
    }
    if targets.is_empty() || targets.len() > MAX_TARGETS {
        problems.report(
            code::INVALID_TARGET,
            &cursor,
            format!("there are {} targets", targets.len()),
            format!("use 1 to {MAX_TARGETS}"),
        );
    }
    for (index, target) in targets.iter().enumerate() {
        let cursor = cursor.index(index);
        let group = target.group.as_deref().unwrap_or_default();
        let known = TARGETS
            .iter()
            .find(|(known, kind, _)| (*known, *kind) == (group, &*target.kind))
            .map(|(.., since)| IstioVersion::minor(*since));
        if let (Some(since), Some(mesh)) = (known, mesh)
            && mesh.istio_version >= TARGET_REFS
            && mesh.istio_version < since
        {
            problems.report(
                code::UNSUPPORTED_BY_ISTIO,
                &cursor.key("kind"),
                format!(
                    "Istio {} may not support a `{}` as a target",
                    mesh.istio_version, target.kind
                ),
                format!("{since} does; use the `Gateway` or the `Service`"),
            );
        }
        if known.is_none() {
            problems.report(
                code::INVALID_TARGET,
                &cursor,
                format!("a policy cannot target a `{}` of the API group `{group}`", target.kind),
                "use a `Service`, a `Gateway` or `GatewayClass` of `gateway.networking.k8s.io`, or a `ServiceEntry` of `networking.istio.io`",
            );
        } else if target.kind == "GatewayClass" && mesh.is_some() && !is_root {
            problems.report(
                code::INVALID_TARGET,
                &cursor,
                "a policy for a `GatewayClass` belongs in the root namespace",
                "move it there, or target the `Gateway`",
            );
        }
        if target.name.is_empty() || target.name.len() > 253 {
            problems.report(
                code::INVALID_NAME,
                &cursor.key("name"),
                format!("`{}` is not a valid Kubernetes name", target.name),
                "name the resource",
            );
        }
    }
}

fn is_label_key(key: &str) -> bool {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(is_dns_label))
        && !name.is_empty()
        && is_label_value(name)
}

fn is_label_value(value: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = value.as_bytes();
    bytes.len() <= 63
        && is_end(bytes.first())
        && is_end(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}
