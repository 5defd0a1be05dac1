//! What is ready → the policy files without its `enforcement`.

use peergate_fault::Failure;
use peergate_insight::policy_text::InvalidEdit;
use peergate_insight::promotion::candidate::Candidate;
use peergate_insight::promotion::enforce::{self, Change, EnforceError};
use peergate_report::message::counts;
use policy_schema::diagnostic::Diagnostic;
use policy_schema::policy::PolicySet;
use policy_schema::validate::Options;

use super::error::PromoteError;
use crate::input::Input;
use crate::output::{self, NewFile, Overwrite};
use crate::policy_file::changed_file;
use crate::report;

/// Changes the files such that all of this is enforced, or none of them.
pub(super) fn enforce(
    input: &Input,
    set: &PolicySet,
    ready: &[&Candidate],
    options: Options,
) -> Result<Vec<Change>, Failure> {
    let enforced = enforce::enforce(&input.sources, set, ready, options).map_err(not_enforced)?;
    let texts = input.sources.iter().zip(&enforced.texts);
    let changed = texts.filter(|(before, after)| before.text != after.text);
    let files = changed.map(|(before, after)| changed_file(before, &after.text));
    let files = files.collect::<Result<Vec<NewFile>, Failure>>()?;
    let paths: Vec<_> = files.iter().map(|file| file.path.clone()).collect();
    output::write_files(files, Overwrite::Any)?;
    for path in &paths {
        report::wrote(path);
    }
    Ok(enforced.changes)
}

fn not_enforced(error: EnforceError) -> Failure {
    match error {
        EnforceError::NotEditable(error) => error.into(),
        EnforceError::InvalidEdit(InvalidEdit { texts, diagnostics }) => {
            report::diagnostics(&diagnostics, &texts);
            let severities = diagnostics.iter().map(Diagnostic::severity);
            PromoteError::InvalidWhenEnforced(counts(severities)).into()
        }
        EnforceError::StillInShadow(policy) => PromoteError::StillInShadow(policy).into(),
    }
}
