//! A denial → what `peergate explain` proposes, written, delivered and tried.

use std::process::Command;
use std::time::Duration;

use peergate_sandbox::wait::wait_for;
use serde_json::Value;

use super::cases::EXPLAINED;
use super::error::DemoError;
use super::mesh::DemoMesh;
use super::outcome::Outcome;

/// How long a proxy may take to take what is delivered.
const LIMIT: Duration = Duration::from_secs(30);

/// What came of a proposed change.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// What the documents have more than before.
    pub(crate) added: Vec<String>,
    /// The call that was denied, once more.
    pub(crate) outcome: Outcome,
}

/// Has one of the denials explained, and makes the call again with the change.
pub(super) fn allow(mesh: &DemoMesh, outcomes: &[Outcome]) -> Result<Change, DemoError> {
    let is_it = |outcome: &&Outcome| outcome.case.title == EXPLAINED.0;
    let denied = outcomes.iter().find(is_it);
    let id = denied.and_then(|outcome| outcome.decision.as_deref());
    let (Some(denied), Some(id)) = (denied, id) else {
        return Err(DemoError::NoDecisions);
    };
    let explained = Command::new(std::env::current_exe()?)
        .args(["explain", id, "--write", "--yes", "--output", "json", "-f"])
        .arg(mesh.documents())
        .output()?;
    if !explained.status.success() {
        let reason = String::from_utf8_lossy(&explained.stderr).into_owned();
        return Err(DemoError::NotExplained(reason));
    }
    let told: Value = serde_json::from_slice(&explained.stdout)?;
    let patch = told
        .get("patch")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let added = patch.lines().filter(|line| !line.starts_with("+++"));
    let added = added.filter_map(|line| line.strip_prefix('+'));
    mesh.deliver()?;
    Ok(Change {
        added: added.map(str::to_owned).collect(),
        outcome: again(mesh, denied)?,
    })
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
