//! The scope of a verification.

use std::path::PathBuf;

use policy_schema::verify::Proxy;

use crate::manifests::Manifests;

/// The scope of a verification.
#[derive(Debug, Default)]
pub struct Scope {
    /// Manifests.
    pub manifests: Option<Manifests>,
    /// A cluster and its proxies.
    pub cluster: Option<ClusterScope>,
    /// Admin endpoints of proxies, as host and port.
    pub admin_endpoints: Vec<String>,
    /// Proxies that were already read.
    pub proxies: Vec<Proxy>,
    /// Ports to probe, with their hosts.
    pub ports: Vec<String>,
    /// Whether to probe the ports of pods.
    pub pod_ports: bool,
}

/// The cluster to read.
#[derive(Debug)]
pub struct ClusterScope {
    /// The kubeconfig. None for `kubectl`'s default.
    pub kubeconfig: Option<PathBuf>,
    /// The context. None for the current one.
    pub context: Option<String>,
    /// Whether to skip proxies.
    pub skip_proxies: bool,
}

impl Scope {
    pub(super) fn has_objects(&self) -> bool {
        self.cluster.is_some() || self.manifests.is_some()
    }
}
