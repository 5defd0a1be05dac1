//! Reading Kubernetes manifests from files and folders.

use std::path::PathBuf;

use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_mesh::manifests::Manifests;
use peergate_report::message::counts;
use peergate_report::skipped;
use policy_schema::diagnostic::Diagnostic;
use thiserror::Error;

use crate::input::Input;
use crate::report;
use crate::verbosity::listing;

/// Manifests that cannot be read. The diagnostics have been shown.
#[derive(Debug, Error)]
#[error("cannot read the manifests: {0}")]
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

/// Reads files and folders, or fails if any cannot be read. A note lists documents that are not Kubernetes objects.
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
        return Err(InvalidManifests(counts(severities)).into());
    }
    let skipped = skipped::documents(&manifests.skipped, &manifests.sources, listing());
    skipped.into_iter().for_each(report::note);
    Ok(manifests)
}
