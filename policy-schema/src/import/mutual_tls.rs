//! Imports `PeerAuthentication` objects to the `mtls` of a `Mesh`.
//!
//! Istio's precedence is: the port, the workload, the namespace, the mesh. A strict mesh that
//! accepts plaintext in places becomes `Strict` with exceptions. If the objects are unknown, or not
//! expressible exactly, the mode is left to the cluster: nothing is rendered that could replace an
//! object, and each stays in force.

use std::collections::BTreeMap;

use super::objects::{PeerAuthentication, Placed};
use super::{Finding, Outcome};
use crate::check::is_dns_label;
use crate::diagnostic::Place;
use crate::document::{ExceptionMode, MtlsExceptionSpec, MtlsMode, Selector};
use crate::istio::peer_authentication::MutualTlsMode;
use crate::policy::{Labels, Selectors};
use crate::timestamp::Timestamp;

/// The owner and end of imported exceptions.
#[derive(Clone, Debug)]
pub struct ExceptionPlan {
    /// Their owner.
    pub owner: String,
    /// Their end.
    pub not_after: Timestamp,
}

/// The imported mode and exceptions.
pub(super) struct MutualTls {
    /// None if it is left to the cluster.
    pub(super) mode: Option<MtlsMode>,
    pub(super) exceptions: Vec<MtlsExceptionSpec>,
    /// The open question of the input, if there is one.
    pub(super) open: Option<String>,
}

/// Objects that are not expressible as a strict mesh with exceptions, and the reason.
struct Inexpressible {
    place: Place,
    reason: String,
}

type Objects<'o> = Vec<&'o Placed<PeerAuthentication>>;

pub(super) fn mutual_tls(
    objects: &[Placed<PeerAuthentication>],
    root_namespace: &str,
    plan: Option<&ExceptionPlan>,
    findings: &mut Vec<Finding>,
) -> MutualTls {
    report_ignored_fields(objects, root_namespace, findings);
    let (of_root, others): (Objects<'_>, Objects<'_>) = objects
        .iter()
        .partition(|object| object.resource.namespace == root_namespace);
    let of_mesh: Objects<'_> = of_root
        .into_iter()
        .filter(|object| object.resource.labels.is_empty())
        .collect();
    let Some(first) = of_mesh.first() else {
        return left_to_cluster("the input has no mesh-wide PeerAuthentication");
    };
    let said = match one_mode(&of_mesh, MutualTlsMode::Permissive) {
        Ok(MutualTlsMode::Strict) => exceptions(&others, plan).map(|exceptions| MutualTls {
            mode: Some(MtlsMode::Strict),
            exceptions,
            open: None,
        }),
        Ok(MutualTlsMode::Disable) => Err(Inexpressible {
            place: first.place,
            reason: "the mesh-wide mode is `DISABLE`, which a `Mesh` cannot express".to_owned(),
        }),
        Ok(MutualTlsMode::Permissive | MutualTlsMode::Unset) => {
            report_not_replaced(&others, findings);
            Ok(MutualTls {
                mode: Some(MtlsMode::Permissive),
                exceptions: Vec::new(),
                open: None,
            })
        }
        Err(unsaid) => Err(unsaid),
    };
    said.unwrap_or_else(|Inexpressible { place, reason }| {
        findings.push(Finding {
            place,
            outcome: Outcome::Noted,
            message: reason,
        });
        left_to_cluster("a `Mesh` cannot express the PeerAuthentication objects")
    })
}

/// For unknown objects: no mode, so that they stay as they are.
pub(super) fn left_to_cluster(open: &str) -> MutualTls {
    MutualTls {
        mode: None,
        exceptions: Vec::new(),
        open: Some(format!(
            "{open}: `mtls.mode` is left out, so no PeerAuthentication is rendered, all existing ones stay in force, and callers may lack an identity"
        )),
    }
}

/// Reports fields that Istio ignores.
fn report_ignored_fields(
    objects: &[Placed<PeerAuthentication>],
    root_namespace: &str,
    findings: &mut Vec<Finding>,
) {
    for Placed {
        resource, place, ..
    } in objects
    {
        let message = if resource.labels.is_empty() && !resource.ports.is_empty() {
            "Istio ignores `portLevelMtls` without a selector"
        } else if resource.namespace == root_namespace && !resource.labels.is_empty() {
            "Istio ignores a PeerAuthentication with a selector in the root namespace"
        } else {
            continue;
        };
        findings.push(Finding {
            place: *place,
            outcome: Outcome::Noted,
            message: message.to_owned(),
        });
    }
}

/// Reports objects that no rendered object replaces: a permissive mesh has no exceptions.
fn report_not_replaced(objects: &Objects<'_>, findings: &mut Vec<Finding>) {
    findings.extend(objects.iter().map(|object| Finding {
        place: object.place,
        outcome: Outcome::Noted,
        message:
            "keep it: it stays in force, because a permissive `Mesh` has no exceptions".to_owned(),
    }));
}

/// The mode of objects for the same pods. `inherited` if they leave it open.
fn one_mode(
    objects: &Objects<'_>,
    inherited: MutualTlsMode,
) -> Result<MutualTlsMode, Inexpressible> {
    let mode_of = |object: &&Placed<PeerAuthentication>| or(object.resource.mode, inherited);
    let Some(first) = objects.first() else {
        return Ok(inherited);
    };
    match objects
        .iter()
        .find(|object| mode_of(object) != mode_of(first))
    {
        Some(other) => Err(Inexpressible {
            place: other.place,
            reason: "another PeerAuthentication for the same pods has a different mode, and Istio uses the older one".to_owned(),
        }),
        None => Ok(mode_of(first)),
    }
}

fn or(mode: MutualTlsMode, inherited: MutualTlsMode) -> MutualTlsMode {
    match mode {
        MutualTlsMode::Unset => inherited,
        set => set,
    }
}

fn exceptions(
    objects: &Objects<'_>,
    plan: Option<&ExceptionPlan>,
) -> Result<Vec<MtlsExceptionSpec>, Inexpressible> {
    let mut namespaces: BTreeMap<&str, Objects<'_>> = BTreeMap::new();
    for object in objects {
        let namespace = object.resource.namespace.as_str();
        namespaces.entry(namespace).or_default().push(object);
    }
    let mut exceptions = Vec::new();
    for objects in namespaces.into_values() {
        let (workloads, whole): (Objects<'_>, Objects<'_>) = objects
            .into_iter()
            .partition(|object| !object.resource.labels.is_empty());
        let mode = one_mode(&whole, MutualTlsMode::Strict)?;
        if let (Some(mode), Some(first)) = (plaintext(mode), whole.first()) {
            exceptions.push(exception(first, mode, Vec::new(), plan)?);
        }
        let pods = Pods::new(&workloads, mode);
        for (position, object) in workloads.iter().enumerate() {
            pods.check_overlap(position, object)?;
            if let Some((ports, mode)) = of_workload(object, mode)? {
                exceptions.push(exception(object, mode, ports, plan)?);
            }
        }
    }
    Ok(exceptions)
}

/// The plaintext that a mode accepts. None if it is strict.
fn plaintext(mode: MutualTlsMode) -> Option<ExceptionMode> {
    match mode {
        MutualTlsMode::Strict => None,
        MutualTlsMode::Disable => Some(ExceptionMode::Disable),
        MutualTlsMode::Permissive | MutualTlsMode::Unset => Some(ExceptionMode::Permissive),
    }
}

/// The ports and the mode of an exception for the workload. Without ports, it covers all. None if
/// the workload accepts the same as its namespace.
fn of_workload(
    object: &Placed<PeerAuthentication>,
    for_namespace: MutualTlsMode,
) -> Result<Option<(Vec<u16>, ExceptionMode)>, Inexpressible> {
    let unsaid = |reason: &str| Inexpressible {
        place: object.place,
        reason: reason.to_owned(),
    };
    let PeerAuthentication { mode, ports, .. } = &object.resource;
    let whole = or(*mode, for_namespace);
    let others: BTreeMap<u16, MutualTlsMode> = ports
        .iter()
        .map(|(port, mode)| (*port, or(*mode, whole)))
        .filter(|(_, mode)| *mode != whole)
        .collect();
    if let Some(mode) = plaintext(whole) {
        return match others.is_empty() {
            true if whole == for_namespace => Ok(None),
            true => Ok(Some((Vec::new(), mode))),
            false => Err(unsaid(
                "the workload accepts plaintext and some of its ports have another mode, but an exception has only one",
            )),
        };
    }
    if for_namespace != MutualTlsMode::Strict {
        return Err(unsaid(
            "the workload is strict in a namespace that is not, but a `Mesh` only has exceptions from strict mutual TLS",
        ));
    }
    let mut modes = others.values().copied().filter_map(plaintext);
    let Some(mode) = modes.next() else {
        return Ok(None);
    };
    if modes.any(|other| other != mode) {
        return Err(unsaid(
            "ports of the workload have different modes, but an exception has only one",
        ));
    }
    Ok(Some((others.into_keys().collect(), mode)))
}

/// The pods of a namespace that objects apply to, by position.
struct Pods<'o> {
    all: Selectors<&'o Labels>,
    /// The pods with any port that accepts plaintext.
    open: Selectors<&'o Labels>,
    for_namespace: MutualTlsMode,
}

impl<'o> Pods<'o> {
    fn new(objects: &Objects<'o>, for_namespace: MutualTlsMode) -> Self {
        let all = objects.iter().enumerate();
        let labels = |(position, object): (usize, &&'o Placed<PeerAuthentication>)| {
            (position, &object.resource.labels)
        };
        let open = all.clone();
        let open = open.filter(|(_, object)| !is_strict(&object.resource, for_namespace));
        Self {
            open: Selectors::new(open.map(labels).collect()),
            all: Selectors::new(all.map(labels).collect()),
            for_namespace,
        }
    }

    /// Checks the object at `position` against those before it. Of several objects for one pod
    /// Istio uses the oldest, but the language refuses several exceptions for one pod.
    fn check_overlap(
        &self,
        position: usize,
        object: &Placed<PeerAuthentication>,
    ) -> Result<(), Inexpressible> {
        let resource = &object.resource;
        let combined_with = if is_strict(resource, self.for_namespace) {
            &self.open
        } else {
            &self.all
        };
        let mut meeting = combined_with.compatible(&resource.labels);
        if meeting.next().is_some_and(|first| first < position) {
            return Err(Inexpressible {
                place: object.place,
                reason:
                    "another PeerAuthentication may select the same pods, and Istio uses the older one"
                        .to_owned(),
            });
        }
        Ok(())
    }
}

/// Whether all ports of a workload are strict.
fn is_strict(object: &PeerAuthentication, for_namespace: MutualTlsMode) -> bool {
    let whole = or(object.mode, for_namespace);
    let mut modes = object.ports.values();
    whole == MutualTlsMode::Strict && modes.all(|mode| or(*mode, whole) == MutualTlsMode::Strict)
}

fn exception(
    object: &Placed<PeerAuthentication>,
    mode: ExceptionMode,
    ports: Vec<u16>,
    plan: Option<&ExceptionPlan>,
) -> Result<MtlsExceptionSpec, Inexpressible> {
    let PeerAuthentication {
        name,
        namespace,
        labels,
        ..
    } = &object.resource;
    if !is_dns_label(name) {
        return Err(Inexpressible {
            place: object.place,
            reason: format!("`{name}` is not a valid exception name"),
        });
    }
    let selector = |labels: &Labels| Selector {
        match_labels: labels.clone(),
    };
    Ok(MtlsExceptionSpec {
        name: name.clone(),
        namespace: namespace.clone(),
        selector: (!labels.is_empty()).then(|| selector(labels)),
        ports: (!ports.is_empty()).then_some(ports),
        mode: (mode == ExceptionMode::Disable).then_some(mode),
        // Without a plan, users must fill in both, and validation fails until then.
        owner: plan.map(|plan| plan.owner.clone()).unwrap_or_default(),
        not_after: plan
            .map(|plan| plan.not_after.to_string())
            .unwrap_or_default(),
        description: None,
    })
}
