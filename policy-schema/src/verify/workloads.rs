//! Derives the workloads of a mesh from pods and from the objects that create them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;

use super::bypass::Bypass;
use super::extent::KindsRead;
use super::object::{Object, labels};
use super::pod::{Injected, has_sidecar, injected};
use super::policy_index::PolicyIndex;
use crate::policy::{Labels, Pods, PolicySet, ServicePolicy};

/// Labels that differ between pods of one workload.
const PER_POD_LABELS: [&str; 4] = [
    "apps.kubernetes.io/pod-index",
    "controller-revision-hash",
    "pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
];

/// The kinds that create pods, and the path of the pod template in each.
const TEMPLATES: [(&str, &str, &str); 8] = [
    ("", "Pod", ""),
    ("apps", "DaemonSet", "/spec/template"),
    ("apps", "Deployment", "/spec/template"),
    ("apps", "ReplicaSet", "/spec/template"),
    ("apps", "StatefulSet", "/spec/template"),
    ("argoproj.io", "Rollout", "/spec/template"),
    ("batch", "CronJob", "/spec/jobTemplate/spec/template"),
    ("batch", "Job", "/spec/template"),
];

/// The label with which pods and namespaces opt in to or out of ambient mode.
const DATAPLANE_MODE: &str = "istio.io/dataplane-mode";

const AMBIENT: &str = "ambient";

/// The observed workloads.
#[derive(Debug)]
pub(super) struct Workloads<'o> {
    pub(super) all: Vec<Workload<'o>>,
    /// The namespaces with workloads in the mesh.
    pub(super) namespaces: BTreeSet<&'o str>,
    policies: PolicyIndex<'o>,
    pods: Pods<Rc<Labels>>,
    /// The positions of the workloads of each policy, by its namespace and name.
    by_policy: BTreeMap<(&'o str, &'o str), Vec<usize>>,
}

/// A workload: pods of the same kind.
#[derive(Debug)]
pub(super) struct Workload<'o> {
    pub(super) object: &'o Object,
    /// The pod spec in the object.
    pub(super) pod: &'o Value,
    /// The title: `Deployment shop/cart`.
    pub(super) title: String,
    pub(super) namespace: &'o str,
    pub(super) labels: Rc<Labels>,
    /// The policies that apply to it, in the order of the set.
    pub(super) policies: Vec<&'o ServicePolicy>,
    pub(super) service_account: &'o str,
    pub(super) sidecar: Sidecar,
    /// The traffic that bypasses the sidecar, by its annotations.
    pub(super) bypass: Bypass,
}

/// Whether a workload has a sidecar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sidecar {
    Present,
    Absent,
    /// Istio's agent without a proxy: its gRPC library reads Istio's configuration itself.
    Proxyless,
    /// Unknown: the cluster injects a template of its own.
    OtherTemplate,
    /// The node's ztunnel handles its traffic (Istio, ambient mode).
    Ambient,
    /// Unknown: its namespace was not observed.
    Unknown,
}

impl<'o> Workloads<'o> {
    pub(super) fn new(
        set: &'o PolicySet,
        objects: &'o [Object],
        unchecked: &mut Vec<String>,
    ) -> Self {
        let policies = PolicyIndex::new(&set.policies);
        let namespaces: BTreeMap<_, _> = objects
            .iter()
            .filter(|object| object.is("", "Namespace"))
            .map(|object| (object.name(), object))
            .collect();
        let mut all = BTreeMap::new();
        let mut owners = BTreeSet::new();
        // Pods are more reliable than the objects that create them: they may be older.
        for object in objects.iter().filter(|object| object.is("", "Pod")) {
            if matches!(object.text("/status/phase"), Some("Succeeded" | "Failed")) {
                continue;
            }
            let (kind, name) = owner(object);
            owners.insert((object.namespace(), kind, name.clone()));
            let title = format!("{kind} {}/{name}", object.namespace());
            let workload = Workload::new(object, object.value(), title, &namespaces);
            all.entry(workload.key()).or_insert(workload);
        }
        for object in objects {
            let kinds = TEMPLATES.iter().skip(1);
            let template = kinds
                .filter(|(group, kind, _)| object.is(group, kind))
                .find_map(|(_, _, pointer)| object.at(pointer));
            let of_pods = (object.namespace(), object.kind(), object.name().to_owned());
            if let Some(template) = template
                && controller(object).is_none()
                && !owners.contains(&of_pods)
            {
                let workload = Workload::new(object, template, object.to_string(), &namespaces);
                all.entry(workload.key()).or_insert(workload);
            }
        }
        let mut all: Vec<Workload<'_>> = all.into_values().collect();
        for workload in &mut all {
            workload.policies = policies.pods(workload.namespace, &workload.labels);
        }
        if all.is_empty() {
            unchecked.push("sidecars and policy selectors: no workloads were read".to_owned());
        }
        let in_doubt: BTreeSet<_> = all
            .iter()
            .filter(|workload| workload.sidecar == Sidecar::Unknown)
            .map(|workload| workload.namespace)
            .collect();
        unchecked.extend(
            in_doubt.into_iter().map(|namespace| {
                format!("sidecars in `{namespace}`: its `Namespace` was not read")
            }),
        );
        let of_workloads = all
            .iter()
            .filter(|workload| workload.is_in_mesh())
            .map(|workload| workload.namespace);
        let of_namespaces = namespaces
            .values()
            .filter(|namespace| {
                injects(namespace) == Some(true) || namespace.label(DATAPLANE_MODE) == Some(AMBIENT)
            })
            .map(|namespace| namespace.name());
        let namespaces = of_workloads.chain(of_namespaces).collect();
        let mut by_policy: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (position, workload) in all.iter().enumerate() {
            for policy in &workload.policies {
                let positions = by_policy.entry(policy.name.as_pair()).or_default();
                positions.push(position);
            }
        }
        let pods = all.iter();
        let pods = pods.map(|workload| (workload.namespace, Rc::clone(&workload.labels)));
        Self {
            pods: Pods::new(pods),
            all,
            namespaces,
            policies,
            by_policy,
        }
    }

    /// The workloads that a policy applies to.
    pub(super) fn of_policy<'w>(
        &'w self,
        policy: &'w ServicePolicy,
    ) -> impl Iterator<Item = &'w Workload<'o>> {
        let positions = self.by_policy.get(&policy.name.as_pair());
        let positions = positions.into_iter().flatten();
        positions.filter_map(|position| self.all.get(*position))
    }

    /// The policies for pods of a namespace with these labels, even if no such pod was observed.
    pub(super) fn policies_for(&self, namespace: &str, labels: &Labels) -> Vec<&'o ServicePolicy> {
        self.policies.pods(namespace, labels)
    }

    /// The workloads with all these labels, in one namespace or in all.
    pub(super) fn with_labels<'w>(
        &'w self,
        namespace: Option<&str>,
        labels: &'w Labels,
    ) -> impl Iterator<Item = &'w Workload<'o>> {
        let pods = match namespace {
            Some(namespace) => self.pods.in_namespace(namespace),
            None => Some(self.pods.all()),
        };
        let positions = pods.into_iter().flat_map(|pods| pods.narrower(labels));
        positions.filter_map(|position| self.all.get(position))
    }

    /// Whether an unobserved workload does not exist.
    pub(super) fn was_read(kinds_read: &KindsRead) -> bool {
        match kinds_read {
            KindsRead::All | KindsRead::Only(_) => true,
            KindsRead::AllBut(_) => TEMPLATES
                .iter()
                .all(|(group, kind, _)| kinds_read.has(group, kind)),
        }
    }
}

impl<'o> Workload<'o> {
    /// `pod` is the pod spec in `object`.
    fn new(
        object: &'o Object,
        pod: &'o Value,
        title: String,
        namespaces: &BTreeMap<&str, &'o Object>,
    ) -> Self {
        let at = |pointer| pod.pointer(pointer);
        let text = |pointer| at(pointer).and_then(Value::as_str);
        let mut labels = labels(at("/metadata/labels"));
        for label in PER_POD_LABELS {
            labels.remove(label);
        }
        let namespace = object.namespace();
        Self {
            sidecar: sidecar(object, pod, namespaces.get(namespace).copied()),
            bypass: Bypass::from_pod(pod),
            service_account: text("/spec/serviceAccountName")
                .or_else(|| text("/spec/serviceAccount"))
                .unwrap_or("default"),
            object,
            pod,
            title,
            namespace,
            labels: Rc::new(labels),
            policies: Vec::new(),
        }
    }

    pub(super) fn is_in_mesh(&self) -> bool {
        matches!(
            self.sidecar,
            Sidecar::Present | Sidecar::Proxyless | Sidecar::OtherTemplate | Sidecar::Ambient
        )
    }

    fn key(&self) -> impl Ord + use<> {
        (
            self.title.clone(),
            self.labels.clone(),
            self.service_account.to_owned(),
            self.sidecar,
            self.bypass.clone(),
        )
    }
}

/// The kind and name of the object that created a pod.
fn owner(pod: &Object) -> (&str, String) {
    let Some((kind, name)) = controller(pod) else {
        return ("Pod", pod.name().to_owned());
    };
    let hash = pod.label("pod-template-hash");
    let deployment = hash.and_then(|hash| name.strip_suffix(hash)?.strip_suffix('-'));
    match deployment {
        Some(deployment) if kind == "ReplicaSet" => ("Deployment", deployment.to_owned()),
        _ => (kind, name.to_owned()),
    }
}

/// The kind and name of the controller of an object.
fn controller(object: &Object) -> Option<(&str, &str)> {
    let owners = object.at("/metadata/ownerReferences")?.as_array()?;
    let is_controller = |owner: &&Value| owner.get("controller") == Some(&Value::Bool(true));
    let owner = owners.iter().find(is_controller)?;
    Some((owner.get("kind")?.as_str()?, owner.get("name")?.as_str()?))
}

/// Whether the pod has a sidecar (Istio, sidecar injection and ambient mode). The pod's settings
/// override those of its namespace, and a sidecar overrides ambient mode.
fn sidecar(object: &Object, pod: &Value, namespace: Option<&Object>) -> Sidecar {
    let at = |pointer| pod.pointer(pointer);
    if has_sidecar(pod) {
        return Sidecar::Present;
    }
    let metadata = |field: &str, key: &str| {
        let texts = pod.get("metadata")?.get(field)?;
        texts.get(key)?.as_str()
    };
    // The node's agent marks the pods that it handles.
    if metadata("annotations", "ambient.istio.io/redirection") == Some("enabled") {
        return Sidecar::Ambient;
    }
    let template = injected(pod);
    if object.is("", "Pod") && object.at("/status/phase").is_some() {
        // The pod runs without a sidecar.
        return if template == Injected::GrpcAgent {
            Sidecar::Proxyless
        } else {
            Sidecar::Absent
        };
    }
    if at("/spec/hostNetwork") == Some(&Value::Bool(true)) {
        return Sidecar::Absent;
    }
    let inject = "sidecar.istio.io/inject";
    let asked = metadata("labels", inject).or_else(|| metadata("annotations", inject));
    let has_revision = metadata("labels", "istio.io/rev").is_some();
    let of_namespace = namespace.map(injects);
    let is_refused = asked == Some("false") || of_namespace == Some(Some(false));
    let is_injected = of_namespace == Some(Some(true)) || asked == Some("true") || has_revision;
    let mode = metadata("labels", DATAPLANE_MODE)
        .or_else(|| namespace.and_then(|namespace| namespace.label(DATAPLANE_MODE)));
    if is_injected && !is_refused {
        match template {
            Injected::Envoy => Sidecar::Present,
            Injected::GrpcAgent => Sidecar::Proxyless,
            Injected::Unknown => Sidecar::OtherTemplate,
        }
    } else if mode == Some(AMBIENT) {
        Sidecar::Ambient
    } else if namespace.is_none() && !is_refused {
        Sidecar::Unknown
    } else {
        Sidecar::Absent
    }
}

/// Whether the namespace injects sidecars. None if it does not set that.
fn injects(namespace: &Object) -> Option<bool> {
    match namespace.label("istio-injection") {
        Some("enabled") => Some(true),
        Some("disabled") => Some(false),
        _ => namespace.label("istio.io/rev").map(|_| true),
    }
}
