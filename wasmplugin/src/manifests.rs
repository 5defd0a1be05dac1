//! Manifests of Kubernetes → objects.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure, Fault};
use policy_schema::diagnostic::{Diagnostic, Place, SourceText};
use policy_schema::printable::printable;
use policy_schema::verify::{HelmValues, Manifest, Object, manifest};
use policy_schema::wording::counted;
use policy_schema::yaml::Lines;
use thiserror::Error;

use crate::input::Input;
use crate::report;

/// More skipped documents than these are not named.
const MAX_NAMED: usize = 5;

/// Objects, and the texts that they stand in.
pub(crate) struct Manifests {
    pub(crate) objects: Vec<Object>,
    pub(crate) values: Vec<HelmValues>,
    pub(crate) sources: Vec<SourceText>,
}

/// Manifests that cannot be read. The diagnostics have been shown.
#[derive(Debug, Error)]
#[error("the manifests cannot be read: {0}")]
struct InvalidManifests(String);

impl Fault for InvalidManifests {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        None
    }

    fn is_summary(&self) -> bool {
        true
    }
}

/// Reads files and folders. Nothing is read if any of them cannot be. A note lists the documents that are no
/// objects.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Manifests, Failure> {
    let mut input = Input::read(paths)?;
    let mut found = Vec::new();
    let mut values = Vec::new();
    let mut skipped = Vec::new();
    for (source, text) in input.sources.iter().enumerate() {
        match manifest(source, &text.text) {
            Ok(read) => {
                let Manifest {
                    objects,
                    values: of_helm,
                    skipped: others,
                } = read;
                found.extend(objects);
                values.extend(of_helm);
                skipped.extend(others);
            }
            Err(faults) => {
                let diagnostics = faults.into_iter().map(|fault| Diagnostic {
                    code: fault.code,
                    source,
                    span: fault.span,
                    message: fault.message,
                    help: fault.help,
                    related: None,
                });
                input.diagnostics.extend(diagnostics);
            }
        }
    }
    if !input.diagnostics.is_empty() {
        report::diagnostics(&input.diagnostics, &input.sources);
        let severities = input.diagnostics.iter().map(Diagnostic::severity);
        return Err(InvalidManifests(report::counts(severities)).into());
    }
    note_skipped(&skipped, &input.sources);
    Ok(Manifests {
        objects: found,
        values,
        sources: input.sources,
    })
}

/// Lists documents that were expected to be objects and are not.
fn note_skipped(places: &[Place], sources: &[SourceText]) {
    if places.is_empty() {
        return;
    }
    let named = places.iter().take(MAX_NAMED).filter_map(|place| {
        let SourceText { name, text } = sources.get(place.source)?;
        let line = Lines::new(text).position(place.span.start).line;
        Some(format!("`{}:{line}`", printable(name)))
    });
    let named: Vec<_> = named.collect();
    let more = match places.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    report::note(&format!(
        "{} skipped, not a Kubernetes object: {}{more}",
        counted(places.len(), "document is", "documents are"),
        named.join(", ")
    ));
}
