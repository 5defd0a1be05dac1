//! Istio resources → documents that mean the same.
//!
//! `AuthorizationPolicy` objects for the same workload become one `ServicePolicy`; mesh config and
//! `PeerAuthentication` become the `Mesh`. What Istio says and the language does not is refused.
//! What never matches in an `ALLOW` rule is left out and reported: without it the rule allows the
//! same.

mod mesh;
mod policy;
mod resources;
mod rule;
mod template;

use crate::diagnostic::{Place, SourceText};
use crate::document::{MeshDocument, ServicePolicyDocument};
use crate::policy::IstioVersion;

/// What was made of Istio resources.
#[derive(Debug)]
pub struct Imported {
    /// The documents; none when something was refused.
    pub documents: Option<Documents>,
    /// What is to be known about it, in the order of the texts.
    pub findings: Vec<Finding>,
}

/// The documents of an import.
#[derive(Debug)]
pub struct Documents {
    /// The mesh.
    pub mesh: MeshDocument,
    /// The policies, in the order of namespace and name.
    pub policies: Vec<ImportedPolicy>,
}

/// A policy, and what it came from.
#[derive(Debug)]
pub struct ImportedPolicy {
    /// The policy.
    pub document: ServicePolicyDocument,
    /// The objects that it was made of, as `NAMESPACE/NAME`, each with its place.
    pub origins: Vec<(String, Place)>,
    /// For each rule the object's name and the rule's number in it, from 0.
    pub rule_origins: Vec<(String, usize)>,
}

/// Something that was not carried over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it stands.
    pub place: Place,
    /// Whether nothing is imported because of it.
    pub is_refused: bool,
    /// What it is and why, in one sentence without a full stop.
    pub message: String,
}

/// Imports all resources of the texts together, for this version of Istio.
pub fn import(sources: &[SourceText], istio_version: IstioVersion) -> Imported {
    let mut findings = Vec::new();
    let resources = resources::read(sources, &mut findings);
    let mesh = mesh::mesh(&resources, istio_version, &mut findings);
    let policies = policy::policies(&resources, &mesh, &mut findings);
    findings.sort_by_key(|finding| (finding.place.source, finding.place.span.start));
    let is_refused = findings.iter().any(|finding| finding.is_refused);
    Imported {
        documents: (!is_refused).then_some(Documents { mesh, policies }),
        findings,
    }
}
