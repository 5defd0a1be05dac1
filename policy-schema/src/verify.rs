//! Checks a mesh for drift from its policy documents.
//!
//! [`Observed`] contains the objects of manifests or of a cluster, and the configuration of proxies
//! from their admin endpoints. They are compared with the rendered documents. Nothing here reads
//! files or clusters.

mod ambient;
mod bypass;
mod code;
mod config_dump;
mod content;
mod control_plane;
mod coverage;
mod destination_rules;
mod difference;
mod discovery;
mod drift;
mod envoy_filters;
mod expired;
mod extent;
mod finding;
mod foreign;
mod helm_values;
mod hosts;
mod managed;
mod measurements;
mod mesh_config;
mod mutual_tls;
mod object;
mod path_handling;
mod places;
mod pod;
mod pod_ports;
mod policy_index;
mod proxies;
mod proxy;
mod proxy_config;
mod proxy_container;
mod proxy_settings;
mod rendered;
mod reported_revision;
mod request_authentication;
mod selector_index;
mod service_entries;
mod tcp_services;
mod unvalidated;
mod verdict;
mod waypoints;
mod widening;
mod workloads;

pub use code::FindingCode;
pub use config_dump::NotAConfigDump;
#[doc(hidden)]
pub use control_plane::control_plane_namespaces;
pub use extent::{Extent, Kind};
pub use finding::Finding;
pub use helm_values::HelmValues;
pub use measurements::{Measured, Measurements};
pub use object::{Manifest, Object, manifest};
#[doc(hidden)]
pub use places::locate_fields;
#[doc(hidden)]
pub use pod_ports::{PodPort, pod_ports};
pub use proxy::{HttpChain, PlaintextListener, Proxy, Refusal, Role, RunningPolicy};
#[doc(hidden)]
pub use widening::{Widening, widened};

use crate::istio::ExtensionApi;
use crate::policy::PolicySet;

use extent::KindsRead;
pub use verdict::Verdict;
use workloads::Workloads;

/// The observed state of a mesh.
#[derive(Debug, Default)]
pub struct Observed {
    /// The objects. None if objects were not read.
    pub objects: Option<Vec<Object>>,
    /// Helm values of the Istio installation.
    pub values: Vec<HelmValues>,
    /// The kinds of objects that were read.
    pub extent: Extent,
    /// The proxies.
    pub proxies: Vec<Proxy>,
}

/// Compares a mesh with the documents of `set`. `api` is the kind of object that installs the
/// filter.
pub fn verify(set: &PolicySet, api: ExtensionApi, observed: &Observed) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(objects) = &observed.objects {
        let workloads = Workloads::new(set, objects, &mut verdict.unchecked);
        let kinds_read = KindsRead::new(&observed.extent, objects);
        drift::check(set, api, objects, &kinds_read, &mut verdict);
        mutual_tls::check(set, objects, &workloads, &kinds_read, &mut verdict);
        destination_rules::check(set, objects, &mut verdict);
        service_entries::check(set, objects, &mut verdict);
        coverage::check(set, objects, &workloads, &kinds_read, &mut verdict);
        tcp_services::check(set, objects, &workloads, &mut verdict);
        ambient::check(&workloads, &mut verdict);
        waypoints::check(set, objects, &workloads, &kinds_read, &mut verdict);
        unvalidated::check_objects(objects, &workloads, &mut verdict);
        envoy_filters::check(set, api, objects, &workloads, &mut verdict);
        mesh_config::check(set, objects, &observed.values, &kinds_read, &mut verdict);
        proxy_config::check(&set.mesh, objects, &workloads, &mut verdict);
        request_authentication::check(set, objects, &workloads, &kinds_read, &mut verdict);
    }
    proxies::check(set, &observed.proxies, &mut verdict);
    verdict.findings.sort();
    verdict.findings.dedup();
    verdict
}
