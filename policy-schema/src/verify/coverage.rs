//! Checks that each workload has a policy, and each policy an enforced workload.

use std::collections::BTreeMap;

use super::extent::KindsRead;
use super::object::{Object, ObjectId, by_id, has_all};
use super::workloads::{Sidecar, Workload, Workloads};
use super::{Finding, FindingCode, Verdict};
use crate::document::TargetRef;
use crate::policy::{Attachment, GATEWAY_NAME, Labels, PolicySet, ServicePolicy};
use crate::rule_spec::Otherwise;

pub(super) fn check(
    set: &PolicySet,
    objects: &[Object],
    workloads: &Workloads<'_>,
    kinds_read: &KindsRead,
    verdict: &mut Verdict,
) {
    if workloads.all.is_empty() {
        return;
    }
    let findings = &mut verdict.findings;
    for workload in &workloads.all {
        let has_policy = !workload.policies.is_empty();
        if workload.is_in_mesh() && !has_policy && !is_infrastructure(set, workload) {
            findings.push(without_policy(set, workload));
        }
        findings.extend(without_proxy(workload));
        let mut policies = workload.policies.iter();
        let own = policies.find(|policy| matches!(policy.attachment, Attachment::Workload(_)));
        if let Some(policy) = own {
            findings.extend(check_own_policy(policy, workload));
        }
    }
    if !Workloads::was_read(kinds_read) {
        return;
    }
    let objects = by_id(objects);
    for policy in &set.policies {
        let is_in_use = match &policy.attachment {
            Attachment::Targets(targets) => targets
                .iter()
                .any(|target| may_exist(target, &policy.name.namespace, &objects, kinds_read)),
            _ => workloads.of_policy(policy).next().is_some(),
        };
        if !is_in_use {
            findings.push(Finding::new(
                format!("ServicePolicy {}", policy.name),
                FindingCode::PolicyWithoutWorkload,
                match &policy.attachment {
                    Attachment::Targets(_) => "none of its targets exists",
                    _ => "selects no workload",
                },
                "correct its selector or targets, or delete it",
            ));
        }
    }
}

fn check_own_policy(policy: &ServicePolicy, workload: &Workload<'_>) -> Vec<Finding> {
    let about = |code, message: String, help: &str| Finding {
        subject: workload.title.clone(),
        ..Finding::about(workload.object, code, message, help)
    };
    let mut findings = Vec::new();
    if workload.sidecar == Sidecar::Absent {
        findings.push(about(
            FindingCode::UnenforcedWorkload,
            format!(
                "has no sidecar, so policy `{}` is not enforced",
                policy.name
            ),
            "enable sidecar injection for its namespace, and restart its pods",
        ));
    }
    let account = workload.service_account;
    if let Some(declared) = &policy.service_account
        && declared != account
    {
        findings.push(about(
            FindingCode::WrongServiceAccount,
            format!(
                "runs as service account `{account}`, but policy `{}` declares `{declared}`",
                policy.name
            ),
            "correct `serviceAccountName` of its pods, or `spec.serviceAccount` of the policy",
        ));
    }
    findings
}

/// Reports a workload of the mesh that may have no proxy to enforce its policies.
fn without_proxy(workload: &Workload<'_>) -> Option<Finding> {
    let (code, reason, help) = match workload.sidecar {
        Sidecar::Proxyless => (
            FindingCode::UnenforcedWorkload,
            "its pods have no Envoy: the filter does not run, and at most the gRPC library enforces the `AuthorizationPolicy`",
            "remove the annotation `inject.istio.io/templates`, or add the template `sidecar`, and restart its pods",
        ),
        Sidecar::OtherTemplate => (
            FindingCode::NotChecked,
            "its pods use a custom injection template, which may have no Envoy",
            "pass the running pods to `verify`, or add the template `sidecar` to the annotation `inject.istio.io/templates`",
        ),
        Sidecar::Present | Sidecar::Absent | Sidecar::Ambient | Sidecar::Unknown => return None,
    };
    let policy = workload.policies.first()?;
    Some(Finding {
        subject: workload.title.clone(),
        ..Finding::about(
            workload.object,
            code,
            format!("policy `{}` selects it, but {reason}", policy.name),
            help,
        )
    })
}

fn without_policy(set: &PolicySet, workload: &Workload<'_>) -> Finding {
    let (code, message) = match set.mesh.otherwise {
        Otherwise::Pass => (
            FindingCode::OpenWorkload,
            "no policy selects it, and the mesh allows all requests to such workloads",
        ),
        Otherwise::Deny => (
            FindingCode::WorkloadWithoutPolicy,
            "no policy selects it: every request is denied",
        ),
    };
    Finding {
        subject: workload.title.clone(),
        ..Finding::about(
            workload.object,
            code,
            message,
            "write a `ServicePolicy` for it",
        )
    }
}

/// Whether a workload is a gateway of the documents, which has rules of its own, or belongs to
/// Istio. Policies for waypoints are attached to the services behind them.
fn is_infrastructure(set: &PolicySet, workload: &Workload<'_>) -> bool {
    let maker = workload.labels.get("gateway.istio.io/managed");
    workload.namespace == set.mesh.root_namespace
        || maker.map(String::as_str) == Some("istio.io-mesh-controller")
        || is_gateway(set, workload.namespace, &workload.labels)
}

/// Whether these labels select a gateway's pods.
pub(super) fn is_gateway(set: &PolicySet, namespace: &str, labels: &Labels) -> bool {
    let gateways = &set.mesh.gateways;
    !gateways.implied_by(Some(namespace), labels).is_empty()
}

/// Whether a policy applies to pods with these labels.
pub(super) fn is_for(policy: &ServicePolicy, namespace: &str, labels: &Labels) -> bool {
    let is_near = policy.name.namespace == namespace;
    match &policy.attachment {
        Attachment::Workload(wanted) => is_near && has_all(labels, wanted),
        Attachment::Namespace => is_near,
        Attachment::Mesh(wanted) => has_all(labels, wanted),
        Attachment::Targets(targets) => {
            is_near
                && targets.iter().any(|target| {
                    target.kind == "Gateway" && labels.get(GATEWAY_NAME) == Some(&target.name)
                })
        }
    }
}

/// Whether a target exists, or was not looked for.
fn may_exist(
    target: &TargetRef,
    namespace: &str,
    objects: &BTreeMap<&ObjectId, Vec<&Object>>,
    kinds_read: &KindsRead,
) -> bool {
    let group = target.group.as_deref().unwrap_or_default();
    let is_there = |namespace: &str| {
        objects.contains_key(&ObjectId {
            kind: target.kind.clone(),
            group: group.to_owned(),
            namespace: namespace.to_owned(),
            name: target.name.clone(),
        })
    };
    // Cluster-wide objects have no namespace.
    is_there("") || is_there(namespace) || !kinds_read.has(group, &target.kind)
}
