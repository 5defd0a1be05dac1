//! A denial → changed documents, delivered and tried.

use std::time::Duration;

use peergate_fault::Failure;
use policy_schema::policy::PolicySet;

use super::cases::EXPLAINED;
use super::error::DemoError;
use super::mesh::DemoMesh;
use super::outcome::Outcome;
use crate::wait::wait_for;

/// How long a proxy may take to take what is delivered.
const LIMIT: Duration = Duration::from_secs(30);

/// Documents that were changed such that a denied call is allowed.
#[derive(Debug)]
pub struct ChangedDocuments {
    /// The lines that they have more than before.
    pub added: Vec<String>,
    /// Their policies.
    pub policies: PolicySet,
}

/// What came of a proposed change.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// The lines that the documents have more than before.
    pub(super) added: Vec<String>,
    /// The call that was denied, once more.
    pub(super) outcome: Outcome,
}

/// Has the documents changed for one of the denials, and makes the call again with the change.
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

/// The call, again and again until it comes back as it must.
fn again(mesh: &DemoMesh, denied: &Outcome) -> Result<Outcome, DemoError> {
    let mut case = denied.case.clone();
    case.expected = EXPLAINED.1();
    let mut outcome = mesh.outcome(case.clone())?;
    let mut failed = None;
    // What came back last says more than that the time was up.
    let _ = wait_for("the proxy to take the change", LIMIT, || {
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
