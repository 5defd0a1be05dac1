//! The service of a workload, and the external hosts that the workload calls.

use super::{Labels, Mesh};
use crate::document::{ExternalPortSpec, ServiceMtls, TrafficSpec};

/// The Kubernetes `Service` of a policy's workload.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) ports: Vec<ServicePort>,
    pub(crate) mtls: ServiceMtls,
    pub(crate) subsets: Vec<Subset>,
    pub(crate) traffic: TrafficSpec,
}

/// A port of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServicePort {
    /// The port that callers use.
    pub(crate) port: u16,
    /// The port of the workload.
    pub(crate) target_port: u16,
}

/// A version of a workload.
#[derive(Clone, Debug)]
pub(crate) struct Subset {
    pub(crate) name: String,
    pub(crate) labels: Labels,
}

/// A host outside the mesh that a workload calls.
#[derive(Clone, Debug)]
pub(crate) struct ExternalHost {
    pub(crate) host: String,
    pub(crate) ports: Vec<ExternalPortSpec>,
    pub(crate) traffic: TrafficSpec,
}

impl Service {
    /// The service's fully qualified name.
    pub(crate) fn host(&self, namespace: &str, mesh: &Mesh) -> String {
        format!("{}.{namespace}.svc.{}", self.name, mesh.cluster_domain)
    }
}
