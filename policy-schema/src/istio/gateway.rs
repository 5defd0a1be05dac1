//! Renders gateways to `Gateway` (Istio, networking.istio.io), with TLS only.

use serde::Serialize;

use super::api_version;
use super::resource::{Resource, ResourceKind, Spec, metadata};
use crate::document::{GatewayApi, ServerTlsMode, TlsVersion};
use crate::policy::{Gateway, IstioVersion, Labels, Mesh};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct GatewaySpec {
    selector: Labels,
    servers: Vec<Server>,
}

impl Spec for GatewaySpec {
    fn kind(&self) -> ResourceKind {
        ResourceKind::Gateway
    }

    fn api_version(&self, istio: IstioVersion) -> &'static str {
        api_version::networking(istio)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Server {
    port: Port,
    hosts: Vec<String>,
    tls: ServerTls,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Port {
    name: String,
    number: u16,
    protocol: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
enum ServerTls {
    #[serde(rename_all = "camelCase")]
    Terminate {
        mode: &'static str,
        credential_name: String,
        min_protocol_version: &'static str,
    },
    #[serde(rename_all = "camelCase")]
    Redirect { https_redirect: bool },
}

/// The objects for gateways with Istio's own API.
pub(super) fn gateways(mesh: &Mesh) -> Vec<Resource> {
    let gateways = mesh.gateways.iter();
    gateways
        .filter(|gateway| gateway.api == GatewayApi::Istio)
        .map(|gateway| {
            let spec = GatewaySpec {
                selector: gateway.labels.clone(),
                servers: servers(gateway),
            };
            Resource::new(
                mesh.istio_version,
                metadata(&gateway.name, &gateway.namespace),
                spec,
            )
            .with_source(format!("gateway `{}`", gateway.name))
        })
        .collect()
}

fn servers(gateway: &Gateway) -> Vec<Server> {
    // Routes are rendered to the gateway's namespace, so that no other namespace can take over a
    // host.
    let here = |host: &String| format!("./{host}");
    let mut servers = Vec::new();
    for (number, server) in gateway.servers.iter().enumerate() {
        servers.push(Server {
            port: Port {
                name: format!("https-{}-{number}", server.port),
                number: server.port,
                protocol: "HTTPS",
            },
            hosts: server.hosts.iter().map(here).collect(),
            tls: ServerTls::Terminate {
                mode: match server.mode {
                    ServerTlsMode::Simple => "SIMPLE",
                    ServerTlsMode::Mutual => "MUTUAL",
                },
                credential_name: server.secret.clone(),
                min_protocol_version: protocol_version(server.min_version),
            },
        });
    }
    let mut redirect_ports: Vec<_> = gateway
        .servers
        .iter()
        .map(|server| server.redirect_port)
        .collect();
    redirect_ports.sort_unstable();
    redirect_ports.dedup();
    for port in redirect_ports {
        let redirected = gateway
            .servers
            .iter()
            .filter(|server| server.redirect_port == port);
        servers.push(Server {
            port: Port {
                name: format!("http-{port}"),
                number: port,
                protocol: "HTTP",
            },
            hosts: redirected
                .flat_map(|server| &server.hosts)
                .map(here)
                .collect(),
            tls: ServerTls::Redirect {
                https_redirect: true,
            },
        });
    }
    servers
}

/// The name of a TLS version in Istio.
pub(crate) fn protocol_version(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::V1_2 => "TLSV1_2",
        TlsVersion::V1_3 => "TLSV1_3",
    }
}
