//! Checks whether workloads require mutual TLS: `PeerAuthentication` (Istio, security.istio.io),
//! and traffic that bypasses the sidecar.
//!
//! Of several objects for the same workloads, Istio uses the oldest. Here each counts: one that
//! accepts plaintext becomes effective once the older ones are deleted.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::bypass::Bypass;
use super::extent::KindsRead;
use super::object::{Object, has_all};
use super::workloads::{Workload, Workloads};
use super::{Finding, FindingCode, Verdict};
use crate::document::{ExceptionMode, Outbound};
use crate::policy::{Labels, Mesh, MtlsException, PolicySet};

const GROUP: &str = "security.istio.io";
const KIND: &str = "PeerAuthentication";

/// The mode of a `PeerAuthentication`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Strict,
    Permissive,
    Disable,
}

pub(super) fn check(
    set: &PolicySet,
    objects: &[Object],
    workloads: &Workloads<'_>,
    kinds_read: &KindsRead,
    verdict: &mut Verdict,
) {
    let mesh = &set.mesh;
    let (of_mesh, others): (Vec<_>, Vec<_>) = objects
        .iter()
        .filter(|object| object.is(GROUP, KIND))
        .partition(|object| object.namespace() == mesh.root_namespace);
    // Istio ignores objects with a selector in the root namespace.
    let of_mesh: Vec<_> = of_mesh
        .into_iter()
        .filter(|object| object.selector().is_none())
        .collect();
    let (of_workloads, of_namespaces): (Vec<_>, Vec<_>) = others
        .into_iter()
        .partition(|object| object.selector().is_some());
    check_bypasses(mesh, workloads, &mut verdict.findings);
    let findings = &mut verdict.findings;
    if mesh.is_strict() {
        if kinds_read.has(GROUP, KIND) {
            check_mesh(set, &of_mesh, &of_namespaces, workloads, findings);
        }
        // An expired exception that is still applied as rendered has been reported already.
        let ended = findings
            .iter()
            .filter(|finding| finding.code == FindingCode::EndedObject);
        let ended: BTreeSet<_> = ended.map(|finding| finding.subject.clone()).collect();
        let has_expired = |object: &&Object| ended.contains(&object.to_string());
        for object in of_namespaces.iter().filter(|object| !has_expired(object)) {
            findings.extend(namespace_finding(mesh, object));
        }
        for object in of_workloads.iter().filter(|object| !has_expired(object)) {
            findings.extend(workload_findings(mesh, object));
        }
    } else {
        let reason = if mesh.sets_mtls_mode() {
            "plaintext: the `Mesh` permits it everywhere"
        } else {
            "plaintext: the `Mesh` leaves `mtls.mode` to the cluster"
        };
        verdict.unchecked.push(reason.to_owned());
    }
}

/// Checks whether calls bypass sidecars: inbound calls, and outbound calls in a mesh that is
/// limited to declared hosts.
fn check_bypasses(mesh: &Mesh, workloads: &Workloads<'_>, findings: &mut Vec<Finding>) {
    let mut find = |workload: &Workload<'_>, code, message, help| {
        findings.push(Finding {
            subject: workload.title.clone(),
            ..Finding::about(workload.object, code, message, help)
        });
    };
    for workload in workloads
        .all
        .iter()
        .filter(|workload| workload.is_in_mesh())
    {
        let Bypass { inbound, outbound } = &workload.bypass;
        if !inbound.is_empty() {
            find(
                workload,
                FindingCode::BypassedPort,
                format!(
                    "calls to {} bypass its sidecar because of a pod annotation",
                    inbound.join(" and ")
                ),
                "remove the annotation `traffic.sidecar.istio.io/…InboundPorts`, `traffic.sidecar.istio.io/excludeInterfaces` or `sidecar.istio.io/interceptionMode`",
            );
        }
        if mesh.outbound == Outbound::Declared && !outbound.is_empty() {
            find(
                workload,
                FindingCode::BypassedOutbound,
                format!(
                    "its calls to {} bypass its sidecar because of a pod annotation",
                    outbound.join(" and ")
                ),
                "remove the annotation `traffic.sidecar.istio.io/…Outbound…`, `traffic.sidecar.istio.io/excludeInterfaces` or `sidecar.istio.io/interceptionMode`, and declare the hosts that it calls as `externalHosts`",
            );
        }
    }
}

/// Checks whether workloads without an object of their own are strict.
fn check_mesh(
    set: &PolicySet,
    of_mesh: &[&Object],
    of_namespaces: &[&Object],
    workloads: &Workloads<'_>,
    findings: &mut Vec<Finding>,
) {
    let mesh = &set.mesh;
    let help = "apply the `PeerAuthentication` that `peergate render` prints for the `Mesh`";
    let weak = of_mesh
        .iter()
        .find(|object| !matches!(mode(object), None | Some(Mode::Strict)));
    if let Some(object) = weak {
        findings.push(Finding::about(
            object,
            FindingCode::MeshNotStrict,
            "the whole mesh accepts plaintext",
            help,
        ));
        return;
    }
    let is_strict = |objects: &[&Object]| {
        objects
            .iter()
            .any(|object| mode(object) == Some(Mode::Strict))
    };
    if is_strict(of_mesh) {
        return;
    }
    let of_policies = set.policies.iter();
    let named = of_policies.map(|policy| policy.name.namespace.as_str());
    let in_use: BTreeSet<_> = named.chain(workloads.namespaces.iter().copied()).collect();
    let open: Vec<_> = in_use
        .into_iter()
        .filter(|namespace| {
            let own = of_namespaces.iter().copied();
            let own: Vec<_> = own
                .filter(|object| object.namespace() == *namespace)
                .collect();
            !is_strict(&own)
        })
        .map(|namespace| format!("`{namespace}`"))
        .collect();
    if !open.is_empty() {
        findings.push(Finding::new(
            format!("PeerAuthentication {}/default", mesh.root_namespace),
            FindingCode::MeshNotStrict,
            format!(
                "no object requires mutual TLS in {}, so workloads there accept plaintext",
                open.join(", ")
            ),
            help,
        ));
    }
}

fn namespace_finding(mesh: &Mesh, object: &Object) -> Option<Finding> {
    let mode = mode(object)?;
    let place = Plaintext {
        namespace: object.namespace(),
        labels: &Labels::new(),
        ports: &[],
        mode,
    };
    if mode == Mode::Strict || is_declared(mesh, &place) {
        return None;
    }
    Some(Finding::about(
        object,
        FindingCode::NamespaceNotStrict,
        format!(
            "namespace `{}` {}",
            object.namespace(),
            undeclared(object, mode)
        ),
        HELP,
    ))
}

/// The fix for undeclared plaintext.
const HELP: &str = "delete it, or declare an exception under `spec.mtls.exceptions` of the `Mesh`, with an owner and an end date";

fn workload_findings(mesh: &Mesh, object: &Object) -> Vec<Finding> {
    let labels = object.selector().unwrap_or_default();
    let namespace = object.namespace();
    let is_declared = |mode, ports: &[u16]| {
        mode == Mode::Strict
            || is_declared(
                mesh,
                &Plaintext {
                    namespace,
                    labels: &labels,
                    ports,
                    mode,
                },
            )
    };
    let mut findings = Vec::new();
    let mut find = |what: String, mode| {
        findings.push(Finding::about(
            object,
            FindingCode::PlaintextPort,
            format!("{what} of {} {}", named(&labels), undeclared(object, mode)),
            HELP,
        ));
    };
    if let Some(mode) = mode(object).filter(|mode| !is_declared(*mode, &[])) {
        find("every port".to_owned(), mode);
    }
    let port_modes = object.at("/spec/portLevelMtls").and_then(Value::as_object);
    for (port, of_port) in port_modes.into_iter().flat_map(Map::iter) {
        // A port that is not a number is not a port of the documents.
        let number = port.parse().unwrap_or_default();
        if let Some(mode) = read_mode(of_port).filter(|mode| !is_declared(*mode, &[number])) {
            find(format!("port {port}"), mode);
        }
    }
    findings
}

fn mode(object: &Object) -> Option<Mode> {
    read_mode(object.at("/spec/mtls")?)
}

/// The mode. None if it is inherited.
fn read_mode(mutual_tls: &Value) -> Option<Mode> {
    match mutual_tls.get("mode").and_then(Value::as_str) {
        None | Some("UNSET") => None,
        Some("STRICT") => Some(Mode::Strict),
        Some("DISABLE") => Some(Mode::Disable),
        // Unknown modes of later versions are not known to be strict.
        Some(_) => Some(Mode::Permissive),
    }
}

/// Pods and ports that accept plaintext.
struct Plaintext<'p> {
    namespace: &'p str,
    /// The labels of the pods. Empty for all pods.
    labels: &'p Labels,
    /// The ports. Empty for all ports.
    ports: &'p [u16],
    mode: Mode,
}

fn is_declared(mesh: &Mesh, plaintext: &Plaintext<'_>) -> bool {
    let covers = |exception: &MtlsException| {
        exception.namespace == plaintext.namespace
            && exception
                .labels
                .as_ref()
                .is_none_or(|labels| has_all(plaintext.labels, labels))
            && (plaintext.mode != Mode::Disable || exception.mode == ExceptionMode::Disable)
            && covers_ports(exception, plaintext.ports)
    };
    mesh.mtls.in_force().any(covers)
}

/// Whether an exception covers all of these ports. An empty list means every port.
fn covers_ports(exception: &MtlsException, ports: &[u16]) -> bool {
    let is_covered = |port: &u16| exception.ports.contains(port);
    exception.ports.is_empty() || (!ports.is_empty() && ports.iter().all(is_covered))
}

/// Whether a pod with `labels` may accept plaintext on `port`. Without labels: whether any pod may.
/// Without a port: on every port.
pub(super) fn may_accept_plaintext(
    mesh: &Mesh,
    namespace: &str,
    labels: &Labels,
    port: Option<u16>,
) -> bool {
    let ports: Vec<_> = port.into_iter().collect();
    let place = Plaintext {
        namespace,
        labels,
        ports: &ports,
        mode: Mode::Permissive,
    };
    !mesh.is_strict() || is_declared(mesh, &place)
}

/// What it accepts, and why that is not permitted.
fn undeclared(object: &Object, mode: Mode) -> String {
    let accepts = match mode {
        Mode::Disable => "accepts only plaintext",
        Mode::Strict | Mode::Permissive => "accepts plaintext",
    };
    match object.annotation("peergate.dev/not-after") {
        Some(end) => {
            format!(
                "{accepts}, but the `Mesh` has no exception for it: the rendered one was valid until {end}"
            )
        }
        None => format!("{accepts}, but the `Mesh` has no exception for it"),
    }
}

fn named(labels: &Labels) -> String {
    let labels = labels.iter().map(|(key, value)| format!("{key}={value}"));
    format!("`{}`", labels.collect::<Vec<_>>().join(","))
}
