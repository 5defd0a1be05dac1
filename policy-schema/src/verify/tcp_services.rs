//! `Deny` rules that ask for HTTP, on ports that speak something else by the `Service`s that were seen.
//!
//! On such a port Istio drops the question and keeps the denial (Istio, `model.checkError`).

use serde_json::Value;

use super::object::Object;
use super::pod::named_port;
use super::selecting::Selecting;
use super::workloads::{Sidecar, Workload, Workloads};
use super::{Finding, FindingCode, Verdict};

/// What Istio takes for HTTP, in `appProtocol` and in the names of ports up to the first `-` (Istio, "Protocol
/// Selection").
const HTTP: [&str; 6] = [
    "http",
    "http2",
    "grpc",
    "hbone",
    "kubernetes.io/h2c",
    "kubernetes.io/ws",
];

/// What Istio knows and does not take for HTTP. A sidecar passes the TLS of a workload on as it is.
const OTHERS: [&str; 6] = ["https", "mongo", "mysql", "redis", "tcp", "tls"];

/// The ports that Istio does not look into, where nothing names the protocol: SMTP, DNS, `MySQL` and `MongoDB`.
const NEVER_SNIFFED: [u64; 4] = [25, 53, 3306, 27017];

/// A port of a `Service` that speaks no HTTP.
struct TcpPort<'o> {
    service: &'o Object,
    /// What says so.
    reason: String,
    /// The workload's port, by its number or its name.
    target: &'o Value,
}

pub(super) fn check(objects: &[Object], workloads: &Workloads<'_>, verdict: &mut Verdict) {
    let services = objects.iter().filter(|object| object.is("", "Service"));
    let ports: Vec<_> = services.flat_map(tcp_ports).collect();
    if ports.is_empty() {
        return;
    }
    let by_selector = Selecting::of(ports, |port| {
        (
            port.service.namespace(),
            port.service.texts("/spec/selector"),
        )
    });
    let is_enforced =
        |workload: &&Workload<'_>| !matches!(workload.sidecar, Sidecar::Absent | Sidecar::Ambient);
    for workload in workloads.all.iter().filter(is_enforced) {
        let met: Vec<_> = by_selector
            .of_workload(workload)
            .filter_map(|port| Some((port, number(port.target, workload)?)))
            .collect();
        if met.is_empty() {
            continue;
        }
        for (port, number) in met {
            for policy in &workload.policies {
                let mut rules = policy.rules.iter();
                if let Some(rule) = rules.find(|rule| rule.denies_connections_on(policy, number)) {
                    verdict.findings.push(Finding {
                        subject: workload.title.clone(),
                        ..Finding::about(
                            port.service,
                            FindingCode::DeniesTcp,
                            format!(
                                "rule `{}` of policy `{}` asks for HTTP, and port {number} {} in {}: the rule denies connections there",
                                rule.id, policy.name, port.reason, port.service
                            ),
                            format!("list {number} in the policy's `tcpPorts`, limit the rule with `ports` or `notPorts`, or name the port of the Service after HTTP if it speaks it"),
                        )
                    });
                }
            }
        }
    }
}

fn tcp_ports(service: &Object) -> Vec<TcpPort<'_>> {
    let ports = service.at("/spec/ports").and_then(Value::as_array);
    let ports = ports.into_iter().flatten();
    let found = ports.filter_map(|port| {
        let number = port.get("port")?;
        let target = port.get("targetPort").filter(|target| !target.is_null());
        Some(TcpPort {
            service,
            reason: no_http(port)?,
            target: target.unwrap_or(number),
        })
    });
    found.collect()
}

/// What says that a TCP port speaks no HTTP. Where nothing names the protocol, Istio looks into each connection.
fn no_http(port: &Value) -> Option<String> {
    let text = |field| port.get(field).and_then(Value::as_str);
    if !matches!(text("protocol"), None | Some("TCP")) {
        return None;
    }
    // The first that is there counts alone.
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
        .then(|| "is one that Istio never takes for HTTP".to_owned())
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
