//! Manifests of Kubernetes → objects.

use std::path::PathBuf;

use policy_schema::diagnostic::{Diagnostic, SourceText};
use policy_schema::verify::{Object, objects};

use crate::failure::Failure;
use crate::input::Input;
use crate::report;

/// Objects, and the texts that they stand in.
pub(crate) struct Manifests {
    pub(crate) objects: Vec<Object>,
    pub(crate) sources: Vec<SourceText>,
}

/// Reads files and folders. Nothing is read if any of them cannot be.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Manifests, Failure> {
    let mut input = Input::read(paths)?;
    let mut found = Vec::new();
    for (source, text) in input.sources.iter().enumerate() {
        match objects(source, &text.text) {
            Ok(objects) => found.extend(objects),
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
        return Err(Failure::InvalidManifests(report::counts(severities)));
    }
    Ok(Manifests {
        objects: found,
        sources: input.sources,
    })
}
