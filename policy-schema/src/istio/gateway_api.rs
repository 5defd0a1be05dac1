//! Renders gateways and exposures to `Gateway` and `HTTPRoute` of the Kubernetes Gateway API. Istio
//! creates the pods itself.
//!
//! Routes are rendered to the namespaces of their services. A gateway accepts routes of other
//! namespaces only if it is configured to, and services accept routes of other namespaces only with
//! a `ReferenceGrant`. Of several routes for a host, the most specific path wins, as the API
//! defines (`HTTPRouteRule`, `matches`).

use std::collections::BTreeMap;

use serde::Serialize;

use super::gateway_infrastructure;
use super::resource::{Resource, ResourceKind, Spec, host_in_name, metadata};
use crate::document::{GatewayApi, ServerTlsMode};
use crate::matching::TextMatch;
use crate::policy::{
    Exposure, Gateway, IstioVersion, Labels, PolicySet, Server, Service, istio_gateway_account,
};

/// The API's group.
pub(super) const GROUP: &str = "gateway.networking.k8s.io";

/// Since this version, Istio supports a `Gateway` as the target of a policy.
pub(super) const TARGET_REFS: IstioVersion = IstioVersion::minor(22);

/// The first version that supports `v1` of the API.
const V1: IstioVersion = IstioVersion::minor(20);

/// The newest version of the API that this version of Istio supports.
pub(super) fn api_version(istio: IstioVersion) -> &'static str {
    if istio >= V1 {
        "gateway.networking.k8s.io/v1"
    } else {
        "gateway.networking.k8s.io/v1beta1"
    }
}

/// The annotation that sets the service account of a `Gateway`'s pods, in all supported versions.
const SERVICE_ACCOUNT: &str = "gateway.istio.io/service-account";

/// The label of the pods that Istio creates for a gateway.
pub(super) fn gateway_name_label(gateway: &Gateway) -> Labels {
    [("istio.io/gateway-name".to_owned(), gateway.name.clone())].into()
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KubernetesGatewaySpec {
    gateway_class_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    infrastructure: Option<Infrastructure>,
    listeners: Vec<Listener>,
}

impl Spec for KubernetesGatewaySpec {
    fn kind(&self) -> ResourceKind {
        ResourceKind::Gateway
    }

    fn api_version(&self, istio: IstioVersion) -> &'static str {
        api_version(istio)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Infrastructure {
    parameters_ref: ParametersReference,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ParametersReference {
    group: &'static str,
    kind: &'static str,
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Listener {
    name: String,
    hostname: String,
    port: u16,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<ListenerTls>,
    allowed_routes: AllowedRoutes,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListenerTls {
    mode: &'static str,
    certificate_refs: [Reference; 1],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    options: BTreeMap<&'static str, &'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Reference {
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct AllowedRoutes {
    namespaces: RouteNamespaces,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from")]
enum RouteNamespaces {
    Same,
    Selector { selector: NamespaceSelector },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct NamespaceSelector {
    match_expressions: [LabelExpression; 1],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct LabelExpression {
    key: &'static str,
    operator: &'static str,
    values: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HttpRouteSpec {
    parent_refs: Vec<ParentReference>,
    hostnames: Vec<String>,
    rules: Vec<RouteRule>,
}

impl Spec for HttpRouteSpec {
    fn kind(&self) -> ResourceKind {
        ResourceKind::HttpRoute
    }

    fn api_version(&self, istio: IstioVersion) -> &'static str {
        api_version(istio)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ParentReference {
    name: String,
    namespace: String,
    section_name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RouteRule {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    matches: Vec<RouteMatch>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    filters: Vec<RouteFilter>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    backend_refs: Vec<BackendReference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeouts: Option<Timeouts>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct RouteMatch {
    path: PathMatch,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct PathMatch {
    #[serde(rename = "type")]
    kind: &'static str,
    value: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RouteFilter {
    #[serde(rename = "type")]
    kind: &'static str,
    request_redirect: RequestRedirect,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestRedirect {
    scheme: &'static str,
    port: u16,
    status_code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct BackendReference {
    name: String,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Timeouts {
    request: String,
}

/// The objects for gateways with the Kubernetes Gateway API, and for services that they expose.
pub(super) fn gateways_and_routes(set: &PolicySet) -> Vec<Resource> {
    let mesh = &set.mesh;
    let mut resources = Vec::new();
    for (position, gateway) in mesh.gateways.iter().enumerate() {
        if gateway.api != GatewayApi::Kubernetes {
            continue;
        }
        let exposing = set.policies.iter().filter(|policy| {
            let mut exposures = policy.exposures.iter();
            exposures.any(|exposure| exposure.gateway == position)
        });
        let namespaces = exposing.map(|policy| policy.name.namespace.clone());
        let config_map = gateway_infrastructure::config_map(gateway, mesh.istio_version);
        let spec = KubernetesGatewaySpec {
            gateway_class_name: "istio",
            infrastructure: config_map.as_ref().map(infrastructure),
            listeners: listeners(gateway, namespaces.collect()),
        };
        // Istio ignores a gateway with a dangling reference, so the `ConfigMap` comes first.
        resources.extend(config_map);
        let mut metadata = metadata(&gateway.name, &gateway.namespace);
        if *gateway.account.name != *istio_gateway_account(&gateway.name) {
            let account = gateway.account.name.to_string();
            metadata
                .annotations
                .insert(SERVICE_ACCOUNT.to_owned(), account);
        }
        let object = Resource::new(mesh.istio_version, metadata, spec);
        resources.push(object.with_source(format!("gateway `{}`", gateway.name)));
        resources.extend(redirects(gateway, mesh.istio_version));
    }
    for policy in &set.policies {
        let Some(service) = &policy.service else {
            continue;
        };
        for (number, exposure) in policy.exposures.iter().enumerate() {
            let Some(gateway) = mesh.gateways.get(exposure.gateway) else {
                continue;
            };
            if gateway.api == GatewayApi::Kubernetes {
                let name = format!("{}-{}-{number}", policy.name.name, gateway.name);
                let object = Resource::new(
                    mesh.istio_version,
                    metadata(name, &policy.name.namespace),
                    route(exposure, gateway, service),
                );
                resources.push(object.with_source(format!(
                    "policy `{}`, exposed at gateway `{}`",
                    policy.name, gateway.name
                )));
            }
        }
    }
    resources
}

/// A reference to the `ConfigMap` that configures how Istio runs the gateway.
fn infrastructure(config_map: &Resource) -> Infrastructure {
    Infrastructure {
        parameters_ref: ParametersReference {
            group: "",
            kind: config_map.kind().as_str(),
            name: config_map.metadata().name.clone(),
        },
    }
}

/// The listeners: one for each host, because a listener has one name.
fn listeners(gateway: &Gateway, mut namespaces: Vec<String>) -> Vec<Listener> {
    namespaces.sort();
    namespaces.dedup();
    let of_services = AllowedRoutes {
        namespaces: if namespaces.is_empty() {
            RouteNamespaces::Same
        } else {
            RouteNamespaces::Selector {
                selector: NamespaceSelector {
                    match_expressions: [LabelExpression {
                        key: "kubernetes.io/metadata.name",
                        operator: "In",
                        values: namespaces,
                    }],
                },
            }
        },
    };
    let mut listeners = Vec::new();
    for server in &gateway.servers {
        for host in &server.hosts {
            listeners.push(Listener {
                name: section("https", host),
                hostname: host.clone(),
                port: server.port,
                protocol: "HTTPS",
                tls: Some(listener_tls(server)),
                allowed_routes: of_services.clone(),
            });
            listeners.push(Listener {
                name: section("http", host),
                hostname: host.clone(),
                port: server.redirect_port,
                protocol: "HTTP",
                tls: None,
                allowed_routes: AllowedRoutes {
                    namespaces: RouteNamespaces::Same,
                },
            });
        }
    }
    listeners
}

/// The name of a host's listener.
fn section(scheme: &str, host: &str) -> String {
    format!("{scheme}.{}", host_in_name(host))
}

fn listener_tls(server: &Server) -> ListenerTls {
    ListenerTls {
        mode: "Terminate",
        certificate_refs: [Reference {
            name: server.secret.clone(),
        }],
        options: match server.mode {
            ServerTlsMode::Simple => BTreeMap::new(),
            ServerTlsMode::Mutual => [("gateway.istio.io/tls-terminate-mode", "MUTUAL")].into(),
        },
    }
}

/// Routes that redirect plain HTTP, one for each HTTPS port.
fn redirects(gateway: &Gateway, version: IstioVersion) -> impl Iterator<Item = Resource> {
    gateway
        .servers
        .iter()
        .enumerate()
        .map(move |(number, server)| {
            let parents = server.hosts.iter().map(|host| ParentReference {
                name: gateway.name.clone(),
                namespace: gateway.namespace.clone(),
                section_name: section("http", host),
            });
            let spec = HttpRouteSpec {
                parent_refs: parents.collect(),
                hostnames: server.hosts.clone(),
                rules: vec![RouteRule {
                    matches: Vec::new(),
                    filters: vec![RouteFilter {
                        kind: "RequestRedirect",
                        request_redirect: RequestRedirect {
                            scheme: "https",
                            port: server.port,
                            status_code: 301,
                        },
                    }],
                    backend_refs: Vec::new(),
                    timeouts: None,
                }],
            };
            let name = format!("{}-redirect-{number}", gateway.name);
            Resource::new(version, metadata(name, &gateway.namespace), spec)
                .with_source(format!("gateway `{}`", gateway.name))
        })
}

fn route(exposure: &Exposure, gateway: &Gateway, service: &Service) -> HttpRouteSpec {
    let servers = gateway.servers.iter();
    let answering = servers.flat_map(|server| &server.hosts).filter(|answered| {
        let mut hosts = exposure.hosts.iter();
        hosts.any(|host| crate::policy::covers_host(answered, host))
    });
    let parents = answering.map(|host| ParentReference {
        name: gateway.name.clone(),
        namespace: gateway.namespace.clone(),
        section_name: section("https", host),
    });
    HttpRouteSpec {
        parent_refs: parents.collect(),
        hostnames: exposure.hosts.clone(),
        rules: vec![RouteRule {
            matches: exposure.paths.iter().map(route_match).collect(),
            filters: Vec::new(),
            backend_refs: vec![BackendReference {
                name: service.name.clone(),
                port: exposure.port,
            }],
            timeouts: exposure.timeout.clone().map(|request| Timeouts { request }),
        }],
    }
}

fn route_match(path: &TextMatch) -> RouteMatch {
    let kind = match path {
        TextMatch::Exact(_) => "Exact",
        TextMatch::Any | TextMatch::Prefix(_) | TextMatch::Suffix(_) => "PathPrefix",
    };
    RouteMatch {
        path: PathMatch {
            kind,
            value: path.literal().to_owned(),
        },
    }
}
