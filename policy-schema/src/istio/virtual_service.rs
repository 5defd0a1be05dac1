//! Renders exposures to `VirtualService` (Istio, networking.istio.io): the routes of a gateway.
//!
//! There is one object for each host of a gateway: Istio merges several in the order of their
//! creation, and the first matching route wins.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::api_version;
use super::resource::{Resource, ResourceKind, Spec, host_in_name, metadata};
use crate::document::GatewayApi;
use crate::matching::TextMatch;
use crate::policy::{Exposure, IstioVersion, PolicySet};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VirtualServiceSpec {
    hosts: [String; 1],
    gateways: [String; 1],
    http: Vec<Route>,
    export_to: [&'static str; 1],
}

impl Spec for VirtualServiceSpec {
    fn kind(&self) -> ResourceKind {
        ResourceKind::VirtualService
    }

    fn api_version(&self, istio: IstioVersion) -> &'static str {
        api_version::networking(istio)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Route {
    #[serde(rename = "match")]
    requests: [RequestMatch; 1],
    #[serde(rename = "route")]
    destinations: [WeightedDestination; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct RequestMatch {
    uri: UriMatch,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum UriMatch {
    Exact(String),
    Prefix(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct WeightedDestination {
    destination: Destination,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Destination {
    host: String,
    port: PortSelector,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct PortSelector {
    number: u16,
}

/// The objects for the hosts at gateways with Istio's own API.
pub(super) fn virtual_services(set: &PolicySet) -> Vec<Resource> {
    let mesh = &set.mesh;
    let mut routes: BTreeMap<(usize, &str), Vec<(&TextMatch, Route)>> = BTreeMap::new();
    for policy in &set.policies {
        for exposure in &policy.exposures {
            let Some(service) = &policy.service else {
                continue;
            };
            let host = service.host(&policy.name.namespace, mesh);
            for name in &exposure.hosts {
                let of_host = routes.entry((exposure.gateway, name)).or_default();
                let of_paths = exposure.paths.iter();
                of_host.extend(of_paths.map(|path| (path, route(path, exposure, host.clone()))));
            }
        }
    }
    let mut resources = Vec::new();
    for ((gateway, host), mut routes) in routes {
        let Some(gateway) = mesh.gateways.get(gateway) else {
            continue;
        };
        if gateway.api != GatewayApi::Istio {
            continue;
        }
        routes.sort_by_key(|(path, _)| specificity(path));
        let spec = VirtualServiceSpec {
            hosts: [host.to_owned()],
            gateways: [gateway.name.clone()],
            http: routes.into_iter().map(|(_, route)| route).collect(),
            export_to: ["."],
        };
        let name = format!("{}.{}", gateway.name, host_in_name(host));
        let object = Resource::new(mesh.istio_version, metadata(name, &gateway.namespace), spec);
        resources.push(object.with_source(format!("host `{host}` at gateway `{}`", gateway.name)));
    }
    resources
}

fn route(path: &TextMatch, exposure: &Exposure, host: String) -> Route {
    let literal = path.literal().to_owned();
    let uri = match path {
        TextMatch::Exact(_) => UriMatch::Exact(literal),
        TextMatch::Any | TextMatch::Prefix(_) | TextMatch::Suffix(_) => UriMatch::Prefix(literal),
    };
    Route {
        requests: [RequestMatch { uri }],
        destinations: [WeightedDestination {
            destination: Destination {
                host,
                port: PortSelector {
                    number: exposure.port,
                },
            },
        }],
        timeout: exposure.timeout.clone(),
    }
}

/// The sort key of routes, most specific first: exact paths before prefixes, longer paths before
/// shorter ones.
fn specificity(path: &TextMatch) -> (bool, Reverse<usize>, String) {
    let is_open = !matches!(path, TextMatch::Exact(_));
    let literal = path.literal();
    (is_open, Reverse(literal.len()), literal.to_owned())
}
