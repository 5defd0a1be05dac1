//! The workloads that a policy applies to.

use std::collections::BTreeMap;

use crate::document::TargetRef;

/// The workloads that a policy applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// The pods of the policy's namespace that have all these labels. Never empty.
    Workload(Labels),
    /// All pods of the policy's namespace.
    Namespace,
    /// The pods of the mesh that have all these labels.
    Mesh(Labels),
    /// Gateways or waypoints, by Gateway API resource. Never empty.
    Targets(Vec<TargetRef>),
}

impl Attachment {
    /// Whether a policy in `namespace` with this attachment may apply to pods in `pod_namespace`
    /// that have `labels`.
    pub(crate) fn may_select_pods(&self, namespace: &str, place: &str, labels: &Labels) -> bool {
        match self {
            Self::Workload(own) => place == namespace && are_compatible(own, labels),
            Self::Namespace | Self::Targets(_) => place == namespace,
            Self::Mesh(own) => are_compatible(own, labels),
        }
    }
}

/// Labels of pods.
pub type Labels = BTreeMap<String, String>;

/// Whether one pod can have both: no label has two different values.
pub(crate) fn are_compatible(labels: &Labels, others: &Labels) -> bool {
    labels
        .iter()
        .all(|(key, value)| others.get(key).is_none_or(|other| other == value))
}
