//! Imports Istio resources as equivalent policy documents.
//!
//! `AuthorizationPolicy` objects for the same workload become one `ServicePolicy`. Mesh config and
//! `PeerAuthentication` become the `Mesh`. If Istio can express something that the language cannot,
//! it is left out together with all policies that may apply to the same workloads, and reported. A
//! value that never matches is left out alone, if the rule is equivalent without it. Open questions
//! are never resolved to the widest setting.

mod acceptance;
mod attachment;
mod certificates;
mod comments;
mod copies;
mod covers;
mod differences;
mod external_certificates;
mod finding;
mod imported;
mod imported_policy;
mod mesh;
mod mesh_configs;
mod metadata;
mod mutual_tls;
mod names;
mod objects;
mod options;
mod partial;
mod policy;
mod prune;
mod reading;
mod replaced;
mod report;
mod resources;
mod rule;
mod template;
mod unreadable;
mod values;
mod waypoints;

use crate::diagnostic::SourceText;

pub use finding::{Finding, Outcome};
pub use mutual_tls::ExceptionPlan;
pub use replaced::Replaced;

pub use imported::{Documents, Imported};
pub use imported_policy::{ImportedPolicy, Origin, RuleOrigin};
pub use options::Options;
use replaced::Original;

/// Imports all resources of the texts together.
pub fn import(sources: &[SourceText], options: &Options) -> Imported {
    let mut findings = Vec::new();
    let mut open = Vec::new();
    let mut resources = resources::read(sources, options.namespace.as_deref(), &mut findings);
    copies::settle(&mut resources, &mut findings);
    if options.namespace.is_none() && resources.without_namespace > 0 {
        let count = resources.without_namespace;
        let objects = if count == 1 {
            "object has"
        } else {
            "objects have"
        };
        open.push(format!(
            "{count} {objects} no namespace, so `default` is assumed; set it with `--namespace`"
        ));
    }
    let mesh = mesh::mesh(&resources, options, &mut findings, &mut open);
    let mut groups = policy::groups(&resources, &mesh, &mut findings);
    if resources.unread_anywhere {
        partial::leave_out_all(&mut groups, &mut findings);
    }
    waypoints::leave_out_combined(&mut groups, mesh.root_namespace(), &mut findings);
    partial::leave_out_together(
        &mut groups,
        &resources.unread,
        mesh.root_namespace(),
        &mut findings,
    );
    let differences = differences::differences(&resources);
    let policies = resources.policies.iter();
    let originals: Vec<_> = policies
        .map(|placed| Original::from(&placed.resource))
        .collect();
    // They take most of the memory.
    drop(resources);
    let is_fatal = |findings: &[Finding]| {
        let mut outcomes = findings.iter().map(|finding| finding.outcome);
        outcomes.any(|outcome| outcome == Outcome::Fatal)
    };
    if !is_fatal(&findings) {
        acceptance::accept(&mesh, &mut groups, &mut findings);
    }
    findings.sort_by_key(|finding| (finding.place.source, finding.place.span.start));
    // One rule may have several equal findings.
    findings.dedup();
    let replaced = replaced::replaced(&originals, &groups);
    let mut policies: Vec<_> = groups
        .into_iter()
        .filter_map(|group| group.policy)
        .collect();
    policies.sort_by(|a, b| {
        let name = |policy: &ImportedPolicy| {
            let metadata = &policy.document.metadata;
            (metadata.namespace.clone(), metadata.name.clone())
        };
        name(a).cmp(&name(b))
    });
    Imported {
        documents: (!is_fatal(&findings)).then_some(Documents {
            mesh: mesh.document,
            policies,
            replaced,
        }),
        findings,
        open,
        differences,
    }
}
