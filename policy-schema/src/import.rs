//! Istio resources → documents that mean the same.
//!
//! `AuthorizationPolicy` objects for the same workload become one `ServicePolicy`; mesh config and
//! `PeerAuthentication` become the `Mesh`. What Istio can say and the language cannot is refused.
//! A value that never matches is left out and reported, where the rule means the same without it.
//! What the input leaves open is reported, and never becomes the widest setting.

mod certificates;
mod differences;
mod mesh;
mod mesh_configs;
mod mutual_tls;
mod outside;
mod policy;
mod reading;
mod report;
mod resources;
mod rule;
mod template;
mod values;

use crate::diagnostic::{Place, SourceText};
use crate::document::{MeshDocument, ServicePolicyDocument};
use crate::policy::IstioVersion;

pub use mutual_tls::ExceptionPlan;

/// What the resources do not say by themselves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The version of Istio; the newest known when left out.
    pub istio_version: Option<IstioVersion>,
    /// The trust domain, for input without a mesh config.
    pub trust_domain: Option<String>,
    /// The root namespace, for input without a mesh config.
    pub root_namespace: Option<String>,
    /// Who owns exceptions from strict mutual TLS, and until when; to be filled in when left out.
    pub exceptions: Option<ExceptionPlan>,
}

/// What was made of Istio resources.
#[derive(Debug)]
pub struct Imported {
    /// The documents; none when something was refused.
    pub documents: Option<Documents>,
    /// What is to be known about it, in the order of the texts.
    pub findings: Vec<Finding>,
    /// What the input leaves open, and what is assumed or left out because of that.
    pub open: Vec<String>,
    /// What the documents match that Istio's resources do not: a sentence without a full stop for each kind.
    pub differences: Vec<String>,
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

/// Imports all resources of the texts together.
pub fn import(sources: &[SourceText], options: &Options) -> Imported {
    let mut findings = Vec::new();
    let mut open = Vec::new();
    let resources = resources::read(sources, &mut findings);
    let mesh = mesh::mesh(&resources, options, &mut findings, &mut open);
    let policies = policy::policies(&resources, &mesh, &mut findings);
    findings.sort_by_key(|finding| (finding.place.source, finding.place.span.start));
    let is_refused = findings.iter().any(|finding| finding.is_refused);
    Imported {
        documents: (!is_refused).then_some(Documents {
            mesh: mesh.document,
            policies,
        }),
        findings,
        open,
        differences: differences::differences(&resources),
    }
}
