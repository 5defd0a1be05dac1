//! Checks what workloads reach, if the mesh limits them to declared hosts.

use std::collections::{BTreeMap, HashSet};

use super::documents_by_name::DocumentsByName;
use crate::code;
use crate::diagnostic::Diagnostic;
use crate::document::{ExceptionMode, ExternalProtocol, Outbound, ServiceMtls};
use crate::policy::{
    Attachment, ExternalHost, MtlsException, PolicySet, ServicePolicy, are_compatible,
};
use crate::problem::Cursor;
use crate::rule_spec::{Effect, Enforcement, Otherwise};

/// Reports services that no proxy would find, and conflicting descriptions of hosts and services.
pub(super) fn check_across_policies(
    documents: &DocumentsByName<'_>,
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for policy in set.policies() {
        check_service(policy, documents, set, diagnostics);
        check_mtls(policy, documents, set, diagnostics);
    }
    check_services(documents, set, diagnostics);
    check_external_hosts(documents, set, diagnostics);
}

/// Only one policy may describe a service, because it becomes one object.
fn check_services(
    documents: &DocumentsByName<'_>,
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut known: BTreeMap<(&str, &str), &ServicePolicy> = BTreeMap::new();
    for policy in set.policies() {
        let Some(service) = &policy.service else {
            continue;
        };
        let name = (policy.name().namespace.as_str(), service.name.as_str());
        let Some(first) = known.insert(name, policy) else {
            continue;
        };
        if let Some(document) = documents.get(policy) {
            document.report(
                diagnostics,
                code::CONFLICTING_HOST,
                &Cursor::Root.key("spec").key("service"),
                format!(
                    "policy `{}` already describes service `{}`",
                    first.name(),
                    service.name
                ),
                "describe a service in one policy",
            );
        }
    }
}

fn check_service(
    policy: &ServicePolicy,
    documents: &DocumentsByName<'_>,
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let may_allow = policy.enforcement() == Enforcement::Shadow
        || policy.otherwise_in(&set.mesh) == Otherwise::Pass
        || policy.rules.iter().any(|rule| rule.effect == Effect::Allow);
    let is_needed = set.mesh.outbound == Outbound::Declared
        && policy.service.is_none()
        && may_allow
        && matches!(policy.attachment(), Attachment::Workload(_));
    if let (true, Some(document)) = (is_needed, documents.get(policy)) {
        document.report(
            diagnostics,
            code::MISSING_SERVICE,
            &Cursor::Root.key("spec"),
            "proxies only know declared services, and this policy declares none",
            "add the service and its ports under `service`, or set `outbound: Any` in the `Mesh`",
        );
    }
}

fn check_mtls(
    policy: &ServicePolicy,
    documents: &DocumentsByName<'_>,
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let insists = |service: &_| {
        matches!(
            service,
            crate::policy::Service {
                mtls: ServiceMtls::Always,
                ..
            }
        )
    };
    if !policy.service.as_ref().is_some_and(insists) {
        return;
    }
    let speaks_none = |exception: &&MtlsException| {
        exception.mode == ExceptionMode::Disable
            && exception.namespace == policy.name().namespace
            && match (policy.attachment(), &exception.labels) {
                (Attachment::Workload(own), Some(labels)) => are_compatible(own, labels),
                _ => true,
            }
    };
    let exception = set.mesh.mtls.in_force().find(speaks_none);
    if let (Some(exception), Some(document)) = (exception, documents.get(policy)) {
        document.report(
            diagnostics,
            code::EXCLUSIVE_FIELDS,
            &Cursor::Root.key("spec").key("service").key("mtls"),
            format!(
                "callers would require mutual TLS, but exception `{}` of the mesh disables it for the workload",
                exception.name
            ),
            "use `mtls: Auto` until the exception ends",
        );
    }
}

/// A namespace has one object for a host, which all of its workloads use.
fn check_external_hosts(
    documents: &DocumentsByName<'_>,
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut known: BTreeMap<(&str, &str), (&ServicePolicy, &ExternalHost)> = BTreeMap::new();
    let mut by_tcp_port = BTreeMap::new();
    let services = short_names(set);
    for policy in set.policies() {
        for (index, host) in policy.external_hosts.iter().enumerate() {
            let name = (policy.name().namespace.as_str(), host.host.as_str());
            check_is_outside(policy, index, &services, documents, set, diagnostics);
            check_tcp_ports(policy, index, &mut by_tcp_port, documents, diagnostics);
            let Some((first, other)) = known.get(&name) else {
                known.insert(name, (policy, host));
                continue;
            };
            let differs = host.traffic != other.traffic
                || host.ports.iter().any(|port| {
                    let mut others = other.ports.iter();
                    others.any(|other| other.port == port.port && other.protocol != port.protocol)
                });
            if let (true, Some(document)) = (differs, documents.get(policy)) {
                document.report(
                    diagnostics,
                    code::CONFLICTING_HOST,
                    &Cursor::Root.key("spec").key("externalHosts").index(index),
                    format!(
                        "policy `{}` describes `{}` differently, but a host has one description per namespace",
                        first.name(),
                        host.host
                    ),
                    "use the same protocols and limits in both",
                );
            }
        }
    }
}

/// Reports services of the mesh that are declared as external. They would be called without mutual
/// TLS, and without their own settings.
fn check_is_outside(
    policy: &ServicePolicy,
    index: usize,
    services: &HashSet<String>,
    documents: &DocumentsByName<'_>,
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(host) = policy.external_hosts.get(index) else {
        return;
    };
    let is_inside = may_be_internal(&host.host, &set.mesh.cluster_domain)
        || services.contains(host.host.as_str());
    if let (true, Some(document)) = (is_inside, documents.get(policy)) {
        document.report(
            diagnostics,
            code::CONFLICTING_HOST,
            &Cursor::Root
                .key("spec")
                .key("externalHosts")
                .index(index)
                .key("host"),
            format!("`{}` may be a service in the mesh", host.host),
            "remove it: the policy of the called service controls calls within the mesh",
        );
    }
}

/// The names of the mesh's services, with and without their namespace.
fn short_names(set: &PolicySet) -> HashSet<String> {
    let policies = set.policies().iter();
    let services = policies.filter_map(|policy| Some((policy.service.as_ref()?, policy)));
    services
        .flat_map(|(service, policy)| {
            let name = &service.name;
            [name.clone(), format!("{name}.{}", policy.name().namespace)]
        })
        .collect()
}

/// Whether a host is the name of a Kubernetes service, or a pattern matches one.
fn may_be_internal(host: &str, cluster_domain: &str) -> bool {
    let services = format!("svc.{cluster_domain}");
    let is_below = |name: &str, domain: &str| {
        let rest = name.strip_suffix(domain);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    match host.strip_prefix("*.") {
        Some(domain) => is_below(domain, &services) || is_below(&services, domain),
        None => is_below(host, &services) || is_below(host, "svc"),
    }
}

/// The external host for each namespace and plain TCP port.
type ByTcpPort<'s> = BTreeMap<(&'s str, u16), &'s str>;

/// Reports several hosts on the same port. Plain TCP does not name the host, so a proxy sends all
/// connections on a port to one.
fn check_tcp_ports<'s>(
    policy: &'s ServicePolicy,
    index: usize,
    by_tcp_port: &mut ByTcpPort<'s>,
    documents: &DocumentsByName<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(host) = policy.external_hosts.get(index) else {
        return;
    };
    for port in &host.ports {
        if port.protocol != ExternalProtocol::Tcp {
            continue;
        }
        let place = (policy.name().namespace.as_str(), port.port);
        let first = *by_tcp_port.entry(place).or_insert(&host.host);
        if let (true, Some(document)) = (first != host.host, documents.get(policy)) {
            document.report(
                diagnostics,
                code::CONFLICTING_HOST,
                &Cursor::Root.key("spec").key("externalHosts").index(index),
                format!(
                    "over plain TCP, a proxy cannot distinguish `{}` from `{first}`, which also has port {}",
                    host.host, port.port
                ),
                "use another port, or `TLS` if the workload speaks it",
            );
        }
    }
}
