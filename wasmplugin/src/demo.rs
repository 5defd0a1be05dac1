//! The guided tour: a service of the example shop behind a real Envoy that runs the filter, and
//! callers of every kind.
//!
//! ```text
//! documents ──▶ delivery ─┐
//! cases ──▶ mesh (Envoys, certificates, upstream) ──▶ outcomes ──▶ report
//!              ▲                                        │
//!              └── changed documents ◀── explained ◀────┘
//! ```

mod cases;
mod change;
mod delivery;
mod documents;
mod mesh;
mod report;

use peergate_sandbox::Error;
use policy_schema::plugin_config::ConfigError;
use thiserror::Error as ThisError;

pub(crate) use mesh::DemoMesh;
pub(crate) use report::Report;

use cases::{Case, Expectation};

/// Why the demo could not be run to its end.
#[derive(Debug, ThisError)]
pub(crate) enum DemoError {
    /// A part of the sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] Error),
    /// The documents are not valid: somebody changed them, or the demo was built with a broken example.
    #[error("the demo's documents are not valid: {0}")]
    Documents(String),
    /// Envoy waits for as many filters as there were.
    #[error("RBAC would need other filters than it has: start the demo again")]
    OtherFilters,
    /// The module answers otherwise than the filter.
    #[error(
        "the filter denied no call: the module is not Peergate's filter, or of another version"
    )]
    NoDecisions,
    /// A denial could not be explained, or no change allows it.
    #[error("a denial is not explained: {0}")]
    NotExplained(String),
    /// The documents' plugin config is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The filter's description could not be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A file of the demo could not be written.
    #[error("cannot write the demo's files: {0}")]
    Files(#[from] std::io::Error),
}

/// What came of one case.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The case.
    pub(crate) case: Case,
    /// What happened.
    pub(crate) got: Expectation,
    /// The id of the decision, where it was denied.
    pub(crate) decision: Option<String>,
}

impl Outcome {
    /// Whether it is what was expected.
    pub(crate) fn is_as_expected(&self) -> bool {
        self.case.expected == self.got
    }
}

/// Makes every call, one after the other, then has one of the denials explained and allowed.
pub(crate) fn run(mesh: &DemoMesh) -> Result<Report, DemoError> {
    let mut outcomes = Vec::new();
    for case in cases::all() {
        outcomes.push(mesh.outcome(case)?);
    }
    let metrics = mesh.server().metrics()?;
    let change = change::allow(mesh, &outcomes)?;
    Ok(Report::new(outcomes, &metrics, change))
}
