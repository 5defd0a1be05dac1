//! Validates texts: returns the policies, or all errors.

mod attachment;
mod client_certificates;
mod documents;
mod documents_by_name;
mod enforceable;
mod expirations;
mod exposures;
mod filter;
mod followers;
mod gateway_ports;
mod gateways;
mod guidance;
mod lists;
mod mesh;
mod mtls;
mod names;
mod options;
mod outbound;
mod overlap;
mod placed;
mod places;
mod policy;
mod providers;
mod remedy;
mod service;
mod shadow;
mod size;
mod tcp;
mod traffic;

use crate::code::Severity;
use crate::diagnostic::{Diagnostic, SourceText};
use crate::document::{MeshDocument, ServicePolicyDocument};
use crate::lint::lint_across_documents;
use crate::policy::PolicySet;

use documents::{Documents, Wanted};
use documents_by_name::DocumentsByName;
pub use expirations::{Expiration, ExpiringItem};
pub use options::Options;
use placed::Placed;

/// The result of validation.
#[derive(Debug)]
pub struct Validated {
    /// The policies. None if any diagnostic is an error.
    pub policies: Option<PolicySet>,
    /// All diagnostics, in the order of the texts.
    pub diagnostics: Vec<Diagnostic>,
    /// Rules and exceptions with an end.
    pub expirations: Vec<Expiration>,
}

/// Reads and checks all documents of one run together.
pub fn validate(sources: &[SourceText], options: Options) -> Validated {
    check(documents::read(sources), options)
}

/// The errors in generated documents, by source: 0 is the mesh, `n` the `n`th policy. Spans refer
/// to the JSON of each document.
pub(crate) fn errors_of<'d>(
    mesh: &'d MeshDocument,
    policies: impl Iterator<Item = &'d ServicePolicyDocument>,
    options: Options,
) -> Vec<Diagnostic> {
    check(Documents::generated(mesh, policies), options).diagnostics
}

fn check(mut documents: Documents<'_>, options: Options) -> Validated {
    let asked = (documents.wanted, documents.text_length);
    let mut diagnostics = std::mem::take(&mut documents.diagnostics);
    let mesh = mesh::check_meshes(&documents, options, &mut diagnostics);
    let mut expirations = expirations::for_mesh(documents.meshes.first(), mesh.as_ref());
    let may_be_missing = documents.meshes.is_empty() && !documents.has_unread_document;
    let mut placed = Vec::with_capacity(documents.policies.len());
    let mut policies = Vec::with_capacity(documents.policies.len());
    for document in documents.policies {
        let Some(mut document) = document.read(&mut diagnostics) else {
            continue;
        };
        let policy = policy::check(&document, mesh.as_ref(), options, &mut diagnostics);
        expirations.extend(
            policy
                .iter()
                .flat_map(|policy| expirations::for_policy(&document, policy)),
        );
        policies.push(policy);
        // They are compiled by now, and would take as much memory again.
        document.document.spec.rules = Vec::new();
        document.forget_places();
        placed.push(document);
    }
    if let Some(first) = placed.first().filter(|_| may_be_missing) {
        mesh::report_missing(first, &mut diagnostics);
    }
    overlap::check(&placed, &mut diagnostics);
    let policies = mesh
        .zip(policies.into_iter().collect::<Option<Vec<_>>>())
        .and_then(|(mesh, policies)| {
            let by_name = DocumentsByName::new(&placed);
            let built = PolicySet::build(mesh, policies);
            let set = built
                .map_err(|found| followers::report(&found, &by_name, &mut diagnostics))
                .ok()?;
            let mesh = documents.meshes.first();
            check_across_policies((mesh, &by_name), asked, &set, &mut diagnostics);
            Some(set)
        });
    diagnostics.sort_by_key(|diagnostic| (diagnostic.source, diagnostic.span.start));
    diagnostics.dedup();
    let has_error = diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity() == Severity::Error);
    let policies = policies.filter(|_| !has_error);
    expirations.sort_by_key(|end| (end.not_after, end.place));
    Validated {
        policies,
        diagnostics,
        expirations,
    }
}

/// Checks the policies together.
fn check_across_policies(
    (mesh, documents): (Option<&Placed<'_, MeshDocument>>, &DocumentsByName<'_>),
    (wanted, text_length): (Wanted, usize),
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    enforceable::check_across_policies(documents, set, diagnostics);
    client_certificates::check_across_policies(documents, set, diagnostics);
    exposures::check_across_policies(documents, set, diagnostics);
    outbound::check_across_policies(documents, set, diagnostics);
    providers::check_across_policies(documents, set, diagnostics);
    shadow::check_across_policies(documents, set, diagnostics);
    tcp::check_across_policies(documents, set, diagnostics);
    if wanted == Wanted::Errors {
        return;
    }
    size::check_across_policies(text_length, documents, set, diagnostics);
    let mut found = lint_across_documents(set);
    if let Some(mesh) = mesh {
        mesh.place(std::mem::take(&mut found.mesh), diagnostics);
    }
    for (position, problems) in found.into_policies() {
        let policy = set.policies().get(position);
        if let Some(document) = policy.and_then(|policy| documents.get(policy)) {
            document.place(problems, diagnostics);
        }
    }
}
