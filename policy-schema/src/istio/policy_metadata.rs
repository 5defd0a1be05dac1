//! Metadata, selectors and targets of the objects for a policy.

use super::authorization_policy::{LabelSelector, TargetReference};
use super::object_metadata::ObjectMetadata;
use super::resource::{POLICY_ANNOTATION, managed};
use crate::policy::{Attachment, Rollout, ServicePolicy};

/// The metadata of an object for a policy.
pub(super) fn policy_metadata(name: String, rollout: &Rollout<'_>) -> ObjectMetadata {
    let name_of_policy = &rollout.policy.name;
    let text = str::to_owned;
    let annotations = [
        (text(POLICY_ANNOTATION), name_of_policy.name.clone()),
        (
            text("peergate.dev/revision"),
            rollout.revision().to_string(),
        ),
    ];
    ObjectMetadata {
        name,
        namespace: name_of_policy.namespace.clone(),
        labels: managed(),
        annotations: annotations.into(),
    }
}

/// The selector of an object for `policy`. None if it applies to its whole namespace.
pub(super) fn policy_selector(policy: &ServicePolicy) -> Option<LabelSelector> {
    match &policy.attachment {
        Attachment::Workload(labels) => Some(labels),
        Attachment::Mesh(labels) => Some(labels).filter(|labels| !labels.is_empty()),
        Attachment::Namespace | Attachment::Targets(_) => None,
    }
    .map(|labels| LabelSelector {
        match_labels: labels.clone(),
    })
}

/// The targets of an object for `policy`.
pub(super) fn policy_targets(policy: &ServicePolicy) -> Vec<TargetReference> {
    match &policy.attachment {
        Attachment::Targets(targets) => targets
            .iter()
            .map(|target| TargetReference {
                group: target.group.clone().unwrap_or_default(),
                kind: target.kind.clone(),
                name: target.name.clone(),
            })
            .collect(),
        Attachment::Workload(_) | Attachment::Namespace | Attachment::Mesh(_) => Vec::new(),
    }
}
