//! The edge of the mesh, and what of the inside is reached through it.

use std::collections::BTreeSet;

use super::{Hosts, IstioVersion, Labels};
use crate::document::{GatewayApi, ServerTlsMode, TlsVersion};
use crate::matching::TextMatch;
use crate::rule::ServiceAccount;

/// Since this version `meshConfig.tlsDefaults.minProtocolVersion` is the oldest TLS that gateways of the
/// Kubernetes Gateway API accept. Before, Istio took the number of one enumeration for that of
/// another, and accepted TLS 1.1 where 1.3 was asked for.
pub(crate) const TLS_DEFAULTS: IstioVersion = IstioVersion::minor(30);

/// A gateway that lets requests of the outside in.
#[derive(Clone, Debug)]
pub struct Gateway {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) api: GatewayApi,
    /// Its pods, by labels; empty where Istio makes them of a `Gateway` of the Gateway API.
    pub(crate) labels: Labels,
    /// Its identity towards services.
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
    /// Its name in the `Mesh`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether any of its servers asks clients for a certificate; with the name that a client asks for in TLS, any that
    /// may answer it.
    pub fn asks_for_certificates(&self, server_name: Option<&str>) -> bool {
        let mut servers = self.answering(server_name).into_iter();
        servers.any(|server| server.mode == ServerTlsMode::Mutual)
    }

    /// Whether clients without a certificate get no further than the redirect of plain HTTP, at all servers or at those
    /// that may answer this name.
    pub fn requires_certificates(&self, server_name: Option<&str>) -> bool {
        let mut servers = self.answering(server_name).into_iter();
        !self.unvalidated_certificates && servers.all(|server| server.mode == ServerTlsMode::Mutual)
    }

    /// The servers with the most specific host for a name (Envoy, `server_names` of filter chains); all if none has one.
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

    /// The ports on which plain HTTP is answered with a redirect to HTTPS, in order.
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

/// The account of a gateway that names none, where Istio makes the pods: it is of the names of the
/// `Gateway` and its class.
pub(crate) fn account_of_istio(gateway: &str) -> String {
    format!("{gateway}-istio")
}

/// Hosts that a gateway answers for with one certificate.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) hosts: Vec<String>,
    pub(crate) secret: String,
    pub(crate) mode: ServerTlsMode,
    pub(crate) min_version: TlsVersion,
    pub(crate) port: u16,
    pub(crate) redirect_port: u16,
}

/// What a policy's service answers for at a gateway.
#[derive(Clone, Debug)]
pub(crate) struct Exposure {
    /// The gateway's position in the mesh.
    pub(crate) gateway: usize,
    /// In lower case.
    pub(crate) hosts: Vec<String>,
    /// Exact or prefixes; never empty.
    pub(crate) paths: Vec<TextMatch>,
    /// The service's port.
    pub(crate) port: u16,
    pub(crate) timeout: Option<String>,
}

/// Whether every host of the name `other` has the name `host`, which may begin with `*.`.
pub(crate) fn covers_host(host: &str, other: &str) -> bool {
    host == other
        || host
            .strip_prefix('*')
            .is_some_and(|end| other.ends_with(end) && other.len() > end.len())
}
