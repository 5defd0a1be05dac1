//! Which parts of a mesh to look at.

use std::path::PathBuf;

use policy_schema::verify::Proxy;

use crate::manifests::Manifests;

/// What is looked at.
#[derive(Debug, Default)]
pub struct Scope {
    /// Manifests, if there are any.
    pub manifests: Option<Manifests>,
    /// A cluster, with the proxies in it.
    pub cluster: Option<ClusterScope>,
    /// The admin endpoints of proxies, each a host and a port.
    pub admin_endpoints: Vec<String>,
    /// Proxies that have said already what they run.
    pub proxies: Vec<Proxy>,
    /// Ports to try, each with its host.
    pub ports: Vec<String>,
    /// Whether to try the ports of the pods that are seen.
    pub pod_ports: bool,
}

/// Which cluster is looked at, and whether its proxies are.
#[derive(Debug)]
pub struct ClusterScope {
    /// The kubeconfig; none for those that `kubectl` finds.
    pub kubeconfig: Option<PathBuf>,
    /// The context; none for the current one.
    pub context: Option<String>,
    /// Whether to leave the proxies alone.
    pub skip_proxies: bool,
}

impl Scope {
    pub(super) fn has_objects(&self) -> bool {
        self.cluster.is_some() || self.manifests.is_some()
    }
}
