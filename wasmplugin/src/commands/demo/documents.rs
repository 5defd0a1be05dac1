//! The demo's documents → policies, and the change that allows a denied call.

use std::path::Path;

use peergate_fault::Failure;
use peergate_insight::explanation::change::Change;
use peergate_insight::explanation::explained::{Inquiry, NotExplained};
use peergate_insight::explanation::remedy::Choice;
use peergate_report::explanation::patch::added_lines;
use peergate_report::message;
use peergate_sandbox::demo::ChangedDocuments;
use policy_schema::diagnostic::{Diagnostic, SourceText};
use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::Options;

use super::error::DemoCommandError;
use crate::input::Input;
use crate::output::{self, Overwrite};
use crate::policy_file::changed_file;
use crate::{policies, report};

/// The policies of the documents as they are now. Shows what is wrong with documents that are not valid.
pub(super) fn policies(folder: &Path) -> Result<PolicySet, Failure> {
    let (_, set) = read(folder, policies::at_or_now(None))?;
    Ok(set)
}

/// Changes the documents such that a denied call is allowed, as `peergate explain --write` does.
pub(super) fn allow(folder: &Path, decision: &str) -> Result<ChangedDocuments, Failure> {
    let change = change(folder, decision)?;
    output::write_files(
        vec![changed_file(&change.source, &change.text)?],
        Overwrite::Any,
    )?;
    Ok(ChangedDocuments {
        added: added_lines(&change),
        policies: policies(folder)?,
    })
}

fn read(folder: &Path, now: Timestamp) -> Result<(Vec<SourceText>, PolicySet), DemoCommandError> {
    let invalid = DemoCommandError::InvalidDocuments;
    let input = Input::read(&[folder.to_owned()]);
    let input = input.map_err(|reason| invalid(reason.to_string()))?;
    let options = Options {
        at: now,
        istio_version: None,
    };
    let (input, validated) = policies::check(input, options);
    let refused = || {
        report::diagnostics(&validated.diagnostics, &input.sources);
        let severities = validated.diagnostics.iter().map(Diagnostic::severity);
        invalid(message::counts(severities))
    };
    let set = validated.policies.ok_or_else(refused)?;
    Ok((input.sources, set))
}

fn change(folder: &Path, decision: &str) -> Result<Change, Failure> {
    let now = policies::at_or_now(None);
    let (sources, set) = read(folder, now)?;
    let inquiry = Inquiry {
        id: decision,
        set: &set,
        sources: &sources,
        labels: &[],
        now,
        choice: Choice::at(now),
    };
    let explained = inquiry.explain().map_err(|reason| match reason {
        NotExplained::Id(_) | NotExplained::NoPolicy => {
            DemoCommandError::NotExplained(reason.to_string()).into()
        }
        NotExplained::UnknownPolicy(_) | NotExplained::Compilation(_) => Failure::from(reason),
    })?;
    let no_change = "no change of the documents allows the call";
    let change = explained.tried.change;
    Ok(change.ok_or_else(|| DemoCommandError::NotExplained(no_change.to_owned()))?)
}
