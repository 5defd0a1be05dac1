//! Manifests of Kubernetes, in files and folders.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_mesh::manifests::Manifests;
use policy_schema::diagnostic::{Diagnostic, Place, SourceText};
use policy_schema::printable::printable;
use policy_schema::wording::counted;
use policy_schema::yaml::Lines;
use thiserror::Error;

use crate::input::Input;
use crate::report;

/// More skipped documents than these are not named.
const MAX_NAMED: usize = 5;

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
    let Input {
        sources,
        mut diagnostics,
        ..
    } = Input::read(paths)?;
    let (manifests, faults) = Manifests::read(sources);
    diagnostics.extend(faults);
    if !diagnostics.is_empty() {
        report::diagnostics(&diagnostics, &manifests.sources);
        let severities = diagnostics.iter().map(Diagnostic::severity);
        return Err(InvalidManifests(report::counts(severities)).into());
    }
    note_skipped(&manifests.skipped, &manifests.sources);
    Ok(manifests)
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
