//! Changes the documents for a denied call, delivers them and repeats the call.

use std::time::Duration;

use peergate_fault::Failure;
use policy_schema::policy::PolicySet;

use super::cases::EXPLAINED;
use super::error::DemoError;
use super::mesh::DemoMesh;
use super::outcome::Outcome;
use crate::wait::wait_for;

/// The timeout for a proxy to apply a delivered change.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Documents changed to allow a denied call.
#[derive(Debug)]
pub struct ChangedDocuments {
    /// The added lines.
    pub added: Vec<String>,
    /// The policies of the documents.
    pub policies: PolicySet,
}

/// The result of a proposed change.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// The added lines.
    pub(super) added: Vec<String>,
    /// The repeated call.
    pub(super) outcome: Outcome,
}

/// Changes the documents for one of the denials, and repeats the call.
pub(super) fn allow(
    mesh: &DemoMesh,
    outcomes: &[Outcome],
    allow: impl FnOnce(&str) -> Result<ChangedDocuments, Failure>,
) -> Result<Change, Failure> {
    let is_it = |outcome: &&Outcome| outcome.case.title == EXPLAINED.0;
    let denied = outcomes.iter().find(is_it);
    let id = denied.and_then(|outcome| outcome.decision.as_deref());
    let (Some(denied), Some(id)) = (denied, id) else {
        return Err(DemoError::NoDecisions.into());
    };
    let ChangedDocuments { added, policies } = allow(id)?;
    mesh.deliver(&policies)?;
    let outcome = again(mesh, denied)?;
    Ok(Change { added, outcome })
}

/// Repeats the call until it has the expected outcome.
fn again(mesh: &DemoMesh, denied: &Outcome) -> Result<Outcome, DemoError> {
    let mut case = denied.case.clone();
    case.expected = EXPLAINED.1();
    let mut outcome = mesh.outcome(case.clone())?;
    let mut failed = None;
    // The last outcome is more informative than a timeout.
    let _ = wait_for("the proxy to apply the change", TIMEOUT, || {
        if !outcome.is_as_expected() {
            match mesh.outcome(case.clone()) {
                Ok(next) => outcome = next,
                Err(error) => failed = Some(error),
            }
        }
        Ok((outcome.is_as_expected() || failed.is_some()).then_some(()))
    });
    failed.map_or(Ok(outcome), Err)
}
