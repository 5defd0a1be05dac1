//! Finds `Deny` rules that require HTTP, on ports with another protocol. A `Service`, a
//! `ServiceEntry` with pods, or a `Sidecar`, which overrides both, declares the protocol.
//!
//! On such a port Istio drops the requirement and keeps the denial (Istio, `model.checkError`).

use serde_json::Value;

use super::object::Object;
use super::pod::named_port;
use super::selector_index::SelectorIndex;
use super::workloads::{Sidecar, Workload, Workloads};
use super::{Finding, FindingCode, Verdict};
use crate::policy::{Labels, PolicySet};

/// The protocols that Istio treats as HTTP, in `appProtocol` and in the names of ports up to the
/// first `-` (Istio, "Protocol Selection").
const HTTP: [&str; 7] = [
    "http",
    "http2",
    "http_proxy",
    "grpc",
    "hbone",
    "kubernetes.io/h2c",
    "kubernetes.io/ws",
];

/// The protocols that Istio knows and does not treat as HTTP. A sidecar forwards the TLS of a
/// workload unchanged.
const OTHERS: [&str; 7] = [
    "https",
    "kubernetes.io/wss",
    "mongo",
    "mysql",
    "redis",
    "tcp",
    "tls",
];

/// The ports without a declared protocol on which Istio does not detect it: SMTP, DNS, `MySQL` and
/// `MongoDB`.
const NEVER_SNIFFED: [u64; 4] = [25, 53, 3306, 27017];

/// A port without HTTP.
struct TcpPort<'o> {
    /// The object that declares it.
    object: &'o Object,
    /// The declaration that shows it.
    reason: String,
    /// The workload's port, by number or name.
    target: &'o Value,
}

pub(super) fn check(
    set: &PolicySet,
    objects: &[Object],
    workloads: &Workloads<'_>,
    verdict: &mut Verdict,
) {
    let (of_sidecars, of_services): (Vec<_>, Vec<_>) = objects
        .iter()
        .flat_map(tcp_ports)
        .partition(|port| is_sidecar(port.object));
    if of_sidecars.is_empty() && of_services.is_empty() {
        return;
    }
    let by_selector = SelectorIndex::new(of_services, |port| {
        (port.object.namespace(), selector(port.object))
    });
    let sidecars: Vec<_> = objects.iter().filter(|object| is_sidecar(object)).collect();
    let sidecars = SelectorIndex::new(sidecars, |object| (object.namespace(), selector(object)));
    let root_namespace = &*set.mesh.root_namespace;
    let is_enforced =
        |workload: &&Workload<'_>| !matches!(workload.sidecar, Sidecar::Absent | Sidecar::Ambient);
    for workload in workloads.all.iter().filter(is_enforced) {
        let with_listeners = with_listeners(&sidecars, workload, root_namespace);
        let declared = of_sidecars.iter().filter(|port| {
            with_listeners
                .iter()
                .any(|sidecar| sidecar.id() == port.object.id())
        });
        // Listeners of a `Sidecar` replace those that Istio creates for services.
        let of_services = with_listeners
            .is_empty()
            .then(|| by_selector.for_workload(workload.namespace, workload));
        let met: Vec<_> = declared
            .chain(of_services.into_iter().flatten())
            .filter_map(|port| Some((port, number(port.target, workload)?)))
            .collect();
        if met.is_empty() {
            continue;
        }
        for (port, number) in met {
            for policy in &workload.policies {
                let mut rules = policy.rules.iter();
                if let Some(rule) = rules.find(|rule| policy.denies_connections(rule, number)) {
                    verdict.findings.push(Finding {
                        subject: workload.title.clone(),
                        ..Finding::about(
                            port.object,
                            FindingCode::DeniesTcp,
                            format!(
                                "rule `{}` of policy `{}` tests HTTP fields, but port {number} {} in {}: the rule denies connections there",
                                rule.id, policy.name, port.reason, port.object
                            ),
                            format!("list {number} in the policy's `tcpPorts`, limit the rule with `ports` or `notPorts`, or declare HTTP for the port if it speaks HTTP"),
                        )
                    });
                }
            }
        }
    }
}

/// The `Sidecar`s for a workload that declare listeners. One that selects pods overrides one for
/// its namespace, which overrides the one of the root namespace (Istio,
/// `PushContext.getSidecarScope`).
fn with_listeners<'o>(
    sidecars: &SelectorIndex<&'o Object>,
    workload: &Workload<'_>,
    root_namespace: &str,
) -> Vec<&'o Object> {
    let is_general = |object: &&Object| selector(object).is_none_or(|labels| labels.is_empty());
    let of = |namespace| sidecars.for_workload(namespace, workload).copied();
    let (general, own): (Vec<_>, Vec<_>) = of(workload.namespace).partition(is_general);
    let of_mesh: Vec<_> = of(root_namespace).filter(is_general).collect();
    let mut by_rank = [own, general, of_mesh].into_iter();
    let first = by_rank.find(|sidecars| !sidecars.is_empty());
    let has_listeners = |object: &&Object| {
        let listeners = object.at("/spec/ingress").and_then(Value::as_array);
        listeners.is_some_and(|listeners| !listeners.is_empty())
    };
    first.into_iter().flatten().filter(has_listeners).collect()
}

fn tcp_ports(object: &Object) -> Vec<TcpPort<'_>> {
    let list = |pointer| object.at(pointer).and_then(Value::as_array);
    if object.is("", "Service") {
        let ports = list("/spec/ports").into_iter().flatten();
        declared(object, ports, "port", no_http)
    } else if object.is(ISTIO_NETWORKING, "ServiceEntry") {
        let ports = list("/spec/ports").into_iter().flatten();
        declared(object, ports, "number", other_protocol)
    } else if object.is(ISTIO_NETWORKING, "Sidecar") {
        let listeners = list("/spec/ingress").into_iter().flatten();
        let ports = listeners
            .filter(|listener| !terminates_tls(listener))
            .filter_map(|listener| listener.get("port"));
        declared(object, ports, "number", other_protocol)
    } else {
        Vec::new()
    }
}

const ISTIO_NETWORKING: &str = "networking.istio.io";

/// The declared TCP ports of an object, each with its number from the field `number`.
fn declared<'o>(
    object: &'o Object,
    ports: impl IntoIterator<Item = &'o Value>,
    number: &str,
    reason: fn(&Value) -> Option<String>,
) -> Vec<TcpPort<'o>> {
    let ports = ports.into_iter().filter_map(|port| {
        let number = port.get(number)?;
        let target = port.get("targetPort").filter(|target| !target.is_null());
        Some(TcpPort {
            object,
            reason: reason(port)?,
            target: target.unwrap_or(number),
        })
    });
    ports.collect()
}

/// Whether a listener of a `Sidecar` terminates the TLS of its callers, so that the sidecar sees
/// HTTP.
fn terminates_tls(listener: &Value) -> bool {
    let protocol = listener.pointer("/port/protocol").and_then(Value::as_str);
    protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case("https"))
        && listener.get("tls").is_some_and(|tls| !tls.is_null())
}

/// Why a port of Istio's own kinds does not speak HTTP: only its protocol counts.
fn other_protocol(port: &Value) -> Option<String> {
    let name = port.get("protocol").and_then(Value::as_str)?;
    let is_other = OTHERS.contains(&&*name.to_ascii_lowercase());
    is_other.then(|| format!("has `protocol: {name}`"))
}

/// Why a TCP port does not speak HTTP. Without a declared protocol, Istio detects it for each
/// connection.
fn no_http(port: &Value) -> Option<String> {
    let text = |field| port.get(field).and_then(Value::as_str);
    if !matches!(text("protocol"), None | Some("TCP")) {
        return None;
    }
    // Only the first that is present counts.
    let mut fields = ["appProtocol", "name"].into_iter();
    let named = fields.find_map(|field| Some((field, text(field)?)));
    if let Some((field, name)) = named {
        let protocol = name.split('-').next().unwrap_or_default();
        let protocol = protocol.to_ascii_lowercase();
        if HTTP.contains(&&*protocol) {
            return None;
        }
        if OTHERS.contains(&&*protocol) {
            return Some(format!("has `{field}: {name}`"));
        }
    }
    let number = port.get("port").and_then(Value::as_u64)?;
    NEVER_SNIFFED
        .contains(&number)
        .then(|| "is never detected as HTTP".to_owned())
}

/// The labels of the pods whose ports an object declares. None if it has no pods.
fn selector(object: &Object) -> Option<Labels> {
    if is_sidecar(object) {
        return Some(object.texts("/spec/workloadSelector/labels"));
    }
    let labels = object.texts(if object.is("", "Service") {
        "/spec/selector"
    } else {
        "/spec/workloadSelector/labels"
    });
    Some(labels).filter(|labels| !labels.is_empty())
}

/// Whether it is a `Sidecar`. In the root namespace it applies to the pods of all namespaces.
fn is_sidecar(object: &Object) -> bool {
    object.is(ISTIO_NETWORKING, "Sidecar")
}

/// The number of a workload's port.
fn number(target: &Value, workload: &Workload<'_>) -> Option<u16> {
    match target {
        Value::String(name) => name.parse().ok().or_else(|| named_port(workload.pod, name)),
        number => number
            .as_u64()
            .and_then(|number| u16::try_from(number).ok()),
    }
}
