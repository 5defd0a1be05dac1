//! Checks the gateways of a mesh.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::attachment::check_labels;
use super::gateway_ports;
use super::lists::check_not_empty;
use super::names::{check_label, check_subdomain};
use crate::check::is_dns_subdomain;
use crate::code;
use crate::document::{GatewayApi, GatewaySpec, ServerSpec, TlsVersion};
use crate::policy::{
    Gateway, Hosts, IstioVersion, Labels, Selectors, Server, TLS_DEFAULTS, istio_gateway_account,
};
use crate::problem::{Cursor, Problems};
use crate::rule::ServiceAccount;

/// The maximum number of listeners of a `Gateway` of the Kubernetes Gateway API.
const MAX_LISTENERS: usize = 64;

/// The maximum number of hosts of an `HTTPRoute`.
const MAX_HOSTNAMES: usize = 16;

/// Reads the gateways. `cursor` is at the mesh's `spec`.
pub(super) fn check(
    specs: Option<&[GatewaySpec]>,
    version: Option<IstioVersion>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Vec<Gateway> {
    let cursor = cursor.key("gateways");
    check_not_empty(
        specs,
        "remove the field: without it, nothing from outside is allowed in",
        &cursor,
        problems,
    );
    let specs = specs.unwrap_or_default();
    let mut names = HashSet::with_capacity(specs.len());
    let mut hosts = Hosts::default();
    let mut gateways: Vec<Gateway> = Vec::with_capacity(specs.len());
    for (index, spec) in specs.iter().enumerate() {
        let cursor = cursor.index(index);
        if !names.insert(&spec.name) {
            problems.report(
                code::DUPLICATE_GATEWAY,
                &cursor.key("name"),
                format!("duplicate gateway `{}`", spec.name),
                "use a unique name for each gateway",
            );
        }
        let gateway = check_gateway(spec, &cursor, problems);
        gateway_ports::check(&gateway, &cursor, problems);
        check_shared_hosts(&gateway, &gateways, &hosts, &cursor, problems);
        for host in gateway.servers.iter().flat_map(|server| &server.hosts) {
            hosts.add(host, index);
        }
        gateways.push(gateway);
    }
    check_shared_pods(&gateways, &cursor, problems);
    check_tls_versions(&gateways, version, &cursor, problems);
    gateways
}

/// Reports different TLS versions. A listener of the Kubernetes Gateway API has none of its own:
/// all of them use the mesh's.
fn check_tls_versions(
    gateways: &[Gateway],
    version: Option<IstioVersion>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let mut first = None;
    for (index, gateway) in gateways.iter().enumerate() {
        let servers = cursor.index(index);
        let servers = servers.key("servers");
        for (number, server) in gateway.servers.iter().enumerate() {
            if gateway.api != GatewayApi::Kubernetes {
                continue;
            }
            let tls = servers.index(number);
            let tls = tls.key("tls");
            let known = *first.get_or_insert(server.min_version);
            if let Some(version) = version.filter(|version| *version < TLS_DEFAULTS)
                && server.min_version == TlsVersion::V1_3
            {
                problems.report(
                    code::UNSUPPORTED_BY_ISTIO,
                    &tls,
                    format!("Istio {version} cannot require TLS 1.3 at Gateway API gateways"),
                    format!(
                        "upgrade to {TLS_DEFAULTS}, or use `minVersion: \"1.2\"` or `api: Istio`"
                    ),
                );
            } else if known != server.min_version {
                problems.report(
                    code::UNSUPPORTED_BY_ISTIO,
                    &tls.key("minVersion"),
                    "all Gateway API gateways share one TLS version",
                    "use the same version everywhere, or `api: Istio`",
                );
            }
        }
    }
}

fn check_gateway(spec: &GatewaySpec, cursor: &Cursor<'_>, problems: &mut Problems) -> Gateway {
    check_label(&spec.name, &cursor.key("name"), problems);
    check_label(&spec.namespace, &cursor.key("namespace"), problems);
    let api = spec.api.unwrap_or_default();
    let labels = check_pods(spec, api, cursor, problems);
    let account = match (&spec.service_account, api) {
        (Some(account), _) => {
            check_subdomain(account, &cursor.key("serviceAccount"), problems);
            account.clone()
        }
        (None, GatewayApi::Kubernetes) => istio_gateway_account(&spec.name),
        (None, GatewayApi::Istio) => {
            problems.report(
                code::MISSING_FIELD,
                cursor,
                "missing `serviceAccount`: the gateway has no identity to call services with",
                "set `serviceAccount` to the service account of its pods",
            );
            String::new()
        }
    };
    let servers = cursor.key("servers");
    if spec.servers.is_empty() {
        problems.report(
            code::EMPTY_LIST,
            &servers,
            "the gateway serves no hosts",
            "add its hosts and their certificate",
        );
    }
    let mut known = HashSet::new();
    let mut hosts = Hosts::default();
    let mut checked: Vec<Server> = Vec::with_capacity(spec.servers.len());
    for (index, server) in spec.servers.iter().enumerate() {
        let server = check_server(server, &servers.index(index), problems);
        for (position, host) in server.hosts.iter().enumerate() {
            if !known.insert(host.clone()) {
                let cursor = servers.index(index);
                let cursor = cursor.key("hosts");
                problems.report(
                    code::DUPLICATE_HOST,
                    &cursor.index(position),
                    format!("another server of the gateway already serves `{host}`"),
                    "use each host once",
                );
            }
            hosts.add(host, index);
        }
        checked.push(server);
    }
    if api == GatewayApi::Kubernetes {
        check_counts(&checked, &servers, problems);
    }
    Gateway {
        name: spec.name.clone(),
        namespace: spec.namespace.clone(),
        api,
        labels,
        account: ServiceAccount {
            namespace: spec.namespace.as_str().into(),
            name: account.into(),
        },
        unvalidated_certificates: spec.unvalidated_certificates.unwrap_or_default(),
        servers: checked,
        hosts,
    }
}

fn check_pods(
    spec: &GatewaySpec,
    api: GatewayApi,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Labels {
    match (&spec.selector, api) {
        (Some(selector), GatewayApi::Istio) => {
            let cursor = cursor.key("selector");
            check_labels(selector, &cursor.key("matchLabels"), problems)
        }
        (None, GatewayApi::Istio) => {
            problems.report(
                code::MISSING_FIELD,
                cursor,
                "the gateway has no `selector` for its pods",
                "add their labels to `selector`, such as `istio: ingressgateway`",
            );
            Labels::new()
        }
        (Some(_), GatewayApi::Kubernetes) => {
            problems.report(
                code::EXCLUSIVE_FIELDS,
                &cursor.key("selector"),
                "Istio creates the pods of a Gateway API gateway",
                "remove the selector",
            );
            Labels::new()
        }
        (None, GatewayApi::Kubernetes) => Labels::new(),
    }
}

fn check_server(spec: &ServerSpec, cursor: &Cursor<'_>, problems: &mut Problems) -> Server {
    let hosts = check_hosts(&spec.hosts, &cursor.key("hosts"), problems);
    let tls = cursor.key("tls");
    check_subdomain(&spec.tls.secret, &tls.key("secret"), problems);
    let min_version = spec.tls.min_version.unwrap_or_default();
    Server {
        hosts,
        secret: spec.tls.secret.clone(),
        mode: spec.tls.mode.unwrap_or_default(),
        min_version,
        port: spec.port.unwrap_or(443),
        redirect_port: spec.redirect_port.unwrap_or(80),
    }
}

/// Checks the limits of the Kubernetes Gateway API (`Gateway`, `listeners`; `HTTPRoute`,
/// `hostnames`). Each host needs two listeners, and the hosts of a server share one redirect route.
fn check_counts(servers: &[Server], cursor: &Cursor<'_>, problems: &mut Problems) {
    let hosts: usize = servers.iter().map(|server| server.hosts.len()).sum();
    if hosts > MAX_LISTENERS / 2 {
        problems.report(
            code::UNSUPPORTED_BY_ISTIO,
            cursor,
            format!(
                "a Gateway API gateway serves at most {} hosts, not {hosts}",
                MAX_LISTENERS / 2
            ),
            "split it into several gateways, or use `api: Istio`",
        );
    }
    for (index, server) in servers.iter().enumerate() {
        check_hostnames(&server.hosts, &cursor.index(index).key("hosts"), problems);
    }
}

/// Checks the number of hosts in one route of the Kubernetes Gateway API.
pub(super) fn check_hostnames(hosts: &[String], cursor: &Cursor<'_>, problems: &mut Problems) {
    if hosts.len() > MAX_HOSTNAMES {
        problems.report(
            code::UNSUPPORTED_BY_ISTIO,
            cursor,
            format!(
                "an `HTTPRoute` has at most {MAX_HOSTNAMES} hosts, not {}",
                hosts.len()
            ),
            "split them up",
        );
    }
}

/// Checks host names. Returns them in lower case.
pub(super) fn check_hosts(
    hosts: &[String],
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Vec<String> {
    if hosts.is_empty() {
        problems.report(code::EMPTY_LIST, cursor, "the list is empty", "add a host");
    }
    let mut known = HashSet::with_capacity(hosts.len());
    let mut checked: Vec<String> = Vec::with_capacity(hosts.len());
    for (index, host) in hosts.iter().enumerate() {
        let host = host.to_ascii_lowercase();
        check_host(&host, &cursor.index(index), problems);
        if known.insert(host.clone()) {
            checked.push(host);
        } else {
            problems.report(
                code::DUPLICATE_VALUE,
                &cursor.index(index),
                format!("duplicate host `{host}`"),
                "remove one of them",
            );
        }
    }
    checked
}

pub(super) fn check_host(host: &str, cursor: &Cursor<'_>, problems: &mut Problems) {
    if !is_dns_subdomain(host.strip_prefix("*.").unwrap_or(host)) {
        problems.report(
            code::INVALID_VALUE,
            cursor,
            format!("invalid host name `{host}`"),
            "use a DNS name, or `*.` and a DNS name",
        );
    }
}

/// Reports hosts of more than one gateway. Clients resolve a host to one gateway, so the other
/// would never be called, or both with different certificates. `hosts` are the hosts of `others`,
/// by position.
fn check_shared_hosts(
    gateway: &Gateway,
    others: &[Gateway],
    hosts: &Hosts,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let servers = cursor.key("servers");
    for (index, server) in gateway.servers.iter().enumerate() {
        for (position, host) in server.hosts.iter().enumerate() {
            if let Some(other) = hosts.meeting(host).and_then(|other| others.get(other)) {
                let cursor = servers.index(index);
                let cursor = cursor.key("hosts");
                problems.report(
                    code::DUPLICATE_HOST,
                    &cursor.index(position),
                    format!("gateway `{}` already serves `{host}`", other.name),
                    "use each host at one gateway",
                );
            }
        }
    }
}

/// Reports gateways that share pods or an account: neither the cluster nor rules can distinguish
/// them.
fn check_shared_pods(gateways: &[Gateway], cursor: &Cursor<'_>, problems: &mut Problems) {
    let selecting = gateways.iter().map(|gateway| {
        // An empty selector selects nothing here.
        let labels = Some(&gateway.labels).filter(|labels| !labels.is_empty());
        (gateway.namespace.as_str(), labels)
    });
    let pods = SharedPods::new(selecting);
    let mut first_by_account = HashMap::with_capacity(gateways.len());
    for (index, gateway) in gateways.iter().enumerate() {
        let same_pods = pods.first(index, &gateway.namespace, &gateway.labels);
        let has_account = !gateway.account.name.is_empty();
        let first = has_account.then(|| *first_by_account.entry(&gateway.account).or_insert(index));
        let same_account = first.filter(|first| *first < index);
        let (other, key, shared) = match (same_pods, same_account) {
            (None, None) => continue,
            (Some(pods), account) if account.is_none_or(|account| pods <= account) => {
                (pods, "selector", "pods")
            }
            (_, Some(account)) => (account, "serviceAccount", "service account"),
            (Some(pods), None) => (pods, "selector", "pods"),
        };
        let Some(other) = gateways.get(other) else {
            continue;
        };
        problems.report(
            code::DUPLICATE_GATEWAY,
            &cursor.index(index).key(key),
            format!("shares its {shared} with gateway `{}`", other.name),
            "merge the gateways and their servers, or separate them",
        );
    }
}

/// Gateways by the labels of their pods, in each namespace.
struct SharedPods<'g>(BTreeMap<&'g str, Selectors<&'g Labels>>);

impl<'g> SharedPods<'g> {
    fn new(gateways: impl Iterator<Item = (&'g str, Option<&'g Labels>)>) -> Self {
        let mut namespaces: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (index, (namespace, labels)) in gateways.enumerate() {
            let there = namespaces.entry(namespace).or_default();
            there.extend(labels.map(|labels| (index, labels)));
        }
        let namespaces = namespaces.into_iter();
        Self(
            namespaces
                .map(|(namespace, ranked)| (namespace, Selectors::new(ranked)))
                .collect(),
        )
    }

    /// The first gateway before `index` whose pods include all of this gateway's pods, or vice
    /// versa.
    fn first(&self, index: usize, namespace: &str, labels: &Labels) -> Option<usize> {
        let there = self.0.get(namespace).filter(|_| !labels.is_empty())?;
        let wider = there.selecting(labels).into_iter().next();
        let narrower = there.narrower(labels).next();
        let first = wider.into_iter().chain(narrower).min();
        first.filter(|first| *first < index)
    }
}
