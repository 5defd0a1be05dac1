//! Checks the service of a workload, and the external hosts that it calls.

use super::attachment::check_labels;
use super::gateways::check_host;
use super::lists::check_not_empty;
use super::names::{check_label, check_subdomain};
use super::traffic;
use crate::check::check_port;
use crate::code;
use crate::document::{ExternalHostSpec, ExternalProtocol, ServiceSpec, SubsetSpec};
use crate::policy::{ExternalHost, Service, ServicePort, Subset};
use crate::problem::{Cursor, Problems};

/// Reads a policy's service. `cursor` is at it.
pub(super) fn check(
    spec: &ServiceSpec,
    policy_name: &str,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Service {
    let name = spec.name.as_deref().unwrap_or(policy_name);
    let named = cursor.key("name");
    check_label(
        name,
        if spec.name.is_some() { &named } else { cursor },
        problems,
    );
    let ports = cursor.key("ports");
    if spec.ports.is_empty() {
        problems.report(
            code::EMPTY_LIST,
            &ports,
            "the service has no port",
            "add the ports that callers use",
        );
    }
    let mut checked: Vec<ServicePort> = Vec::with_capacity(spec.ports.len());
    for (index, port) in spec.ports.iter().enumerate() {
        let cursor = ports.index(index);
        check_port(port.port, &cursor.key("port"), problems);
        if let Some(target_port) = port.target_port {
            check_port(target_port, &cursor.key("targetPort"), problems);
        }
        let port = ServicePort {
            port: port.port,
            target_port: port.target_port.unwrap_or(port.port),
        };
        check_twice(
            checked.iter().any(|other| other.port == port.port),
            port.port,
            &cursor,
            problems,
        );
        checked.push(port);
    }
    let traffic = spec.traffic.clone().unwrap_or_default();
    if spec.traffic.is_some() {
        traffic::check(&traffic, &cursor.key("traffic"), problems);
    }
    Service {
        name: name.to_owned(),
        ports: checked,
        mtls: spec.mtls.unwrap_or_default(),
        subsets: check_subsets(spec.subsets.as_deref(), &cursor.key("subsets"), problems),
        traffic,
    }
}

fn check_subsets(
    specs: Option<&[SubsetSpec]>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Vec<Subset> {
    check_not_empty(specs, "remove the field", cursor, problems);
    let mut subsets: Vec<Subset> = Vec::new();
    for (index, spec) in specs.unwrap_or_default().iter().enumerate() {
        let cursor = cursor.index(index);
        check_label(&spec.name, &cursor.key("name"), problems);
        if subsets.iter().any(|other| other.name == spec.name) {
            problems.report(
                code::DUPLICATE_VALUE,
                &cursor.key("name"),
                format!("duplicate subset `{}`", spec.name),
                "use a unique name for each subset",
            );
        }
        let selector = cursor.key("selector");
        let labels = check_labels(&spec.selector, &selector.key("matchLabels"), problems);
        subsets.push(Subset {
            name: spec.name.clone(),
            labels,
        });
    }
    subsets
}

/// Reads the external hosts of a policy. `cursor` is at them.
pub(super) fn check_external_hosts(
    specs: Option<&[ExternalHostSpec]>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Vec<ExternalHost> {
    check_not_empty(specs, "remove the field", cursor, problems);
    let mut hosts: Vec<ExternalHost> = Vec::new();
    for (index, spec) in specs.unwrap_or_default().iter().enumerate() {
        let cursor = cursor.index(index);
        let host = spec.host.to_ascii_lowercase();
        check_host(&host, &cursor.key("host"), problems);
        check_external_ports(spec, &cursor.key("ports"), problems);
        let traffic = spec.traffic.clone().unwrap_or_default();
        if spec.traffic.is_some() {
            traffic::check(&traffic, &cursor.key("traffic"), problems);
        }
        if hosts.iter().any(|other| other.host == host) {
            problems.report(
                code::DUPLICATE_VALUE,
                &cursor.key("host"),
                format!("duplicate host `{host}`"),
                "merge the ports of both",
            );
        }
        hosts.push(ExternalHost {
            host,
            ports: spec.ports.clone(),
            traffic,
        });
    }
    hosts
}

fn check_external_ports(spec: &ExternalHostSpec, cursor: &Cursor<'_>, problems: &mut Problems) {
    if spec.ports.is_empty() {
        problems.report(
            code::EMPTY_LIST,
            cursor,
            "the host has no port",
            "add the ports that the workload calls",
        );
    }
    for (index, port) in spec.ports.iter().enumerate() {
        let cursor = cursor.index(index);
        check_port(port.port, &cursor.key("port"), problems);
        let mut before = spec.ports.iter().take(index);
        check_twice(
            before.any(|other| other.port == port.port),
            port.port,
            &cursor,
            problems,
        );
        // Without TLS or HTTP nothing on the wire names the host, and the proxy has no address to
        // compare. It would have to allow everything on that port.
        if port.protocol == ExternalProtocol::Tcp && spec.host.starts_with("*.") {
            problems.report(
                code::UNSUPPORTED_BY_ISTIO,
                &cursor.key("protocol"),
                "over plain TCP, a proxy cannot distinguish the hosts of a pattern",
                "list each host",
            );
        }
    }
}

fn check_twice(is_there: bool, port: u16, cursor: &Cursor<'_>, problems: &mut Problems) {
    if is_there {
        problems.report(
            code::DUPLICATE_VALUE,
            cursor,
            format!("duplicate port {port}"),
            "remove one of them",
        );
    }
}

/// Checks the account that a workload runs as.
pub(super) fn check_account(account: Option<&str>, cursor: &Cursor<'_>, problems: &mut Problems) {
    if let Some(account) = account {
        check_subdomain(account, cursor, problems);
    }
}
