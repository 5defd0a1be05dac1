//! The gateways of the mesh, and the services that they expose.

use std::collections::BTreeSet;

use super::{Hosts, IstioVersion, Labels};
use crate::document::{GatewayApi, ServerTlsMode, TlsVersion};
use crate::matching::TextMatch;
use crate::rule::ServiceAccount;

/// Since this version, `meshConfig.tlsDefaults.minProtocolVersion` is the oldest TLS that gateways
/// of the Kubernetes Gateway API accept. Before, Istio confused the numbers of two enumerations,
/// and accepted TLS 1.1 if 1.3 was configured.
pub(crate) const TLS_DEFAULTS: IstioVersion = IstioVersion::minor(30);

/// A gateway that admits requests from outside the mesh.
#[derive(Clone, Debug)]
pub struct Gateway {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) api: GatewayApi,
    /// The labels of its pods. Empty if Istio creates them from a `Gateway` of the Gateway API.
    pub(crate) labels: Labels,
    /// The service account that it presents to services.
    pub(crate) account: ServiceAccount,
    /// Whether its listeners may accept client certificates that they have not validated.
    pub(crate) unvalidated_certificates: bool,
    pub(crate) servers: Vec<Server>,
    /// The hosts of all servers.
    pub(crate) hosts: Hosts,
}

/// The label that Istio gives the pods of a `Gateway` of the Kubernetes Gateway API.
pub(crate) const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";

impl Gateway {
    /// The name in the `Mesh`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether any of its servers requests a client certificate. With the server name that a client
    /// sends in TLS, whether any server that may answer it does.
    pub fn asks_for_certificates(&self, server_name: Option<&str>) -> bool {
        let mut servers = self.answering(server_name).into_iter();
        servers.any(|server| server.mode == ServerTlsMode::Mutual)
    }

    /// Whether clients without a certificate reach only the redirect of plain HTTP: at all servers,
    /// or at those that may answer this name.
    pub fn requires_certificates(&self, server_name: Option<&str>) -> bool {
        let mut servers = self.answering(server_name).into_iter();
        !self.unvalidated_certificates && servers.all(|server| server.mode == ServerTlsMode::Mutual)
    }

    /// The servers with the most specific host for a name, as Envoy selects by `server_names`. All
    /// if no host matches.
    fn answering(&self, server_name: Option<&str>) -> Vec<&Server> {
        let rank = |server: &Server| {
            let name = server_name?;
            let hosts = server.hosts.iter();
            let covering = hosts.filter(|host| covers_host(host, name));
            covering.map(|host| (host == name, host.len())).max()
        };
        let best = self.servers.iter().map(rank).max().flatten();
        let servers = self.servers.iter();
        servers
            .filter(|server| best.is_none() || rank(server) == best)
            .collect()
    }

    /// The ports that redirect plain HTTP to HTTPS, in order.
    pub fn redirect_ports(&self) -> BTreeSet<u16> {
        let servers = self.servers.iter();
        servers.map(|server| server.redirect_port).collect()
    }

    /// The labels that its pods have, and no other pods of its namespace.
    pub(crate) fn pod_labels(&self) -> Labels {
        match self.api {
            GatewayApi::Istio => self.labels.clone(),
            GatewayApi::Kubernetes => [(GATEWAY_NAME.to_owned(), self.name.clone())].into(),
        }
    }
}

/// The default account of a gateway whose pods Istio creates. Istio forms it from the names of the
/// `Gateway` and its class.
pub(crate) fn istio_gateway_account(gateway: &str) -> String {
    format!("{gateway}-istio")
}

/// Hosts that a gateway serves with one certificate.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) hosts: Vec<String>,
    pub(crate) secret: String,
    pub(crate) mode: ServerTlsMode,
    pub(crate) min_version: TlsVersion,
    pub(crate) port: u16,
    pub(crate) redirect_port: u16,
}

/// The hosts and paths under which a gateway serves a policy's service.
#[derive(Clone, Debug)]
pub(crate) struct Exposure {
    /// The gateway's position in the mesh.
    pub(crate) gateway: usize,
    /// In lower case.
    pub(crate) hosts: Vec<String>,
    /// Exact paths or prefixes. Never empty.
    pub(crate) paths: Vec<TextMatch>,
    pub(crate) port: u16,
    pub(crate) timeout: Option<String>,
}

/// Whether every host that matches `other` also matches `host`, which may begin with `*.`.
pub(crate) fn covers_host(host: &str, other: &str) -> bool {
    host == other
        || host
            .strip_prefix('*')
            .is_some_and(|end| other.ends_with(end) && other.len() > end.len())
}
