//! The guided tour: a service of the example shop behind a real Envoy that runs the filter, and
//! callers of every kind.
//!
//! ```text
//! cases ──▶ mesh (Envoys, certificates, upstream) ──▶ outcomes ──▶ report
//! ```

mod cases;
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
    /// The example's policy is not valid: the demo was built with a broken example.
    #[error("the built-in example is not valid: {0}")]
    Example(String),
    /// The example's plugin config is refused.
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
}

impl Outcome {
    /// Whether it is what was expected.
    pub(crate) fn is_as_expected(&self) -> bool {
        self.case.expected == self.got
    }
}

/// Makes every call, one after the other.
pub(crate) fn run(mesh: &DemoMesh) -> Result<Report, DemoError> {
    let mut outcomes = Vec::new();
    for case in cases::all() {
        let got = mesh.call(&case)?;
        outcomes.push(Outcome { case, got });
    }
    Ok(Report::new(outcomes, &mesh.server().metrics()?))
}
