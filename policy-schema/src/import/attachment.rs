//! The workloads that `AuthorizationPolicy` objects apply to.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use crate::document::{MeshSpec, MtlsMode};
use crate::istio::AuthorizationPolicy;
use crate::istio::authorization_policy::{LabelSelector, TargetReference};
use crate::policy::{self, Labels, Pods, are_compatible};
use crate::yaml::{self, Node};

/// The workloads that an object applies to. Objects with the same attachment become one policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attachment {
    pub(super) namespace: String,
    pub(super) labels: Labels,
    pub(super) targets: BTreeSet<TargetReference>,
}

/// An object that cannot be read completely.
#[derive(Clone, Debug)]
pub(super) struct Unread {
    /// The workloads that it may apply to.
    pub(super) attachment: Attachment,
    pub(super) name: String,
}

/// The kind of a class of gateways, including waypoints.
const GATEWAY_CLASS: &str = "GatewayClass";

impl Attachment {
    pub(super) fn from_object(object: &AuthorizationPolicy) -> Self {
        let spec = &object.spec;
        let selector = spec.selector.clone().unwrap_or_default();
        let targets = spec.target_ref.iter().chain(&spec.target_refs);
        Self {
            namespace: object.metadata.namespace.clone(),
            labels: selector.match_labels,
            targets: targets.cloned().collect(),
        }
    }

    /// All workloads of a namespace.
    pub(super) fn for_namespace(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            labels: Labels::new(),
            targets: BTreeSet::new(),
        }
    }

    /// The attachment of an object in `namespace` that cannot be read completely: the whole
    /// namespace, unless the object is more specific.
    pub(super) fn from_node(object: &Node, namespace: &str) -> Self {
        let spec = object.field("spec");
        let selector = read_field::<LabelSelector>(spec, "selector");
        let target = read_field::<Option<TargetReference>>(spec, "targetRef");
        let targets = read_field::<Vec<TargetReference>>(spec, "targetRefs");
        let head = selector.zip(target.zip(targets));
        let (labels, targets) = head.map_or_else(Default::default, |(selector, (one, several))| {
            let targets = one.into_iter().chain(several).collect();
            (selector.match_labels, targets)
        });
        Self {
            namespace: namespace.to_owned(),
            labels,
            targets,
        }
    }

    /// Whether it selects all workloads of its namespace, or of the mesh.
    pub(super) fn is_for_all(&self) -> bool {
        self.labels.is_empty() && self.targets.is_empty()
    }

    /// Whether all workloads are gateways.
    pub(super) fn is_at_gateway(&self) -> bool {
        let mut targets = self.targets.iter();
        if self.targets.is_empty() {
            policy::has_gateway_label(&self.labels)
        } else {
            targets.all(|target| policy::is_gateway(&target.kind, &target.name))
        }
    }

    /// Whether callers without identity may reach the workloads. `exempt_pods` are the pods that may
    /// accept plaintext. None if all do.
    pub(super) fn accepts_plaintext(
        &self,
        exempt_pods: Option<&Pods<Labels>>,
        root_namespace: &str,
    ) -> bool {
        let Some(exempt_pods) = exempt_pods else {
            return true;
        };
        if !self.targets.is_empty() {
            let mut targets = self.targets.iter();
            return targets.any(|target| policy::is_gateway(&target.kind, &target.name));
        }
        let attachment = if self.namespace == root_namespace {
            policy::Attachment::Mesh(self.labels.clone())
        } else if self.labels.is_empty() {
            policy::Attachment::Namespace
        } else {
            policy::Attachment::Workload(self.labels.clone())
        };
        let mut met = exempt_pods.selected_by(&self.namespace, &attachment);
        met.next().is_some()
    }

    /// Whether both may apply to the same workload.
    pub(super) fn may_overlap(&self, other: &Self, root_namespace: &str) -> bool {
        let is_of_mesh = |one: &Self| one.namespace == root_namespace;
        if self.namespace != other.namespace && !is_of_mesh(self) && !is_of_mesh(other) {
            return false;
        }
        let has_class = |one: &Self| one.has_target(|target| target.kind == GATEWAY_CLASS);
        // Waypoints ignore policies with label selectors.
        let may_be_selected =
            |one: &Self| one.has_target(|target| policy::is_gateway(&target.kind, &target.name));
        match (self.targets.is_empty(), other.targets.is_empty()) {
            (true, true) => are_compatible(&self.labels, &other.labels),
            (false, false) => {
                has_class(self)
                    || has_class(other)
                    || self.may_be_waypoint_of(other)
                    || other.may_be_waypoint_of(self)
                    || !self.targets.is_disjoint(&other.targets)
            }
            (true, false) => may_be_selected(other) && are_compatible(&self.labels, &other.labels),
            (false, true) => may_be_selected(self) && are_compatible(&self.labels, &other.labels),
        }
    }

    /// Whether it applies to a gateway that may be the waypoint of services that `other` applies
    /// to.
    fn may_be_waypoint_of(&self, other: &Self) -> bool {
        self.namespace == other.namespace && self.has_gateway() && other.has_service()
    }

    /// Whether it applies to services, whose policies waypoints enforce.
    pub(super) fn has_service(&self) -> bool {
        self.has_target(|target| matches!(&*target.kind, "Service" | "ServiceEntry"))
    }

    /// Whether it applies to a gateway, which may be a waypoint.
    pub(super) fn has_gateway(&self) -> bool {
        self.has_target(|target| target.kind == "Gateway")
    }

    /// Whether it applies to all waypoints.
    pub(super) fn has_waypoint_class(&self) -> bool {
        self.has_target(|target| {
            target.kind == GATEWAY_CLASS && !policy::is_gateway(&target.kind, &target.name)
        })
    }

    fn has_target(&self, is_wanted: impl Fn(&TargetReference) -> bool) -> bool {
        self.targets.iter().any(is_wanted)
    }
}

/// The pods of exceptions from strict mutual TLS. None if the mesh is not strict.
pub(super) fn exempt_pods(mesh: &MeshSpec) -> Option<Pods<Labels>> {
    let mtls = mesh.mtls.as_ref();
    let mtls = mtls.filter(|mtls| mtls.mode == Some(MtlsMode::Strict))?;
    let exceptions = mtls.exceptions.iter().flatten();
    Some(Pods::new(exceptions.map(|exception| {
        let selector = exception.selector.as_ref();
        let labels = selector.map(|selector| selector.match_labels.clone());
        (exception.namespace.as_str(), labels.unwrap_or_default())
    })))
}

/// A field, or its default if it is absent. None if it cannot be read.
fn read_field<T: DeserializeOwned + Default>(spec: Option<&Node>, key: &str) -> Option<T> {
    let Some(node) = spec.and_then(|spec| spec.field(key)) else {
        return Some(T::default());
    };
    let (value, faults) = yaml::read(node);
    value.filter(|_| faults.is_empty())
}
