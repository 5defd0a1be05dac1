//! The guided tour: a service of the example shop behind a real Envoy that runs the filter, and
//! callers of every kind.
//!
//! ```text
//! files ─▶ policies ──▶ filters ──▶ delivery ─┐
//! cases ──▶ mesh (Envoys, certificates, upstream) ──▶ outcomes, counters ──▶ report
//!              ▲                                          │
//!              └── changed policies ◀── a denial ◀────────┘
//! ```
//!
//! Reading the documents and explaining the denial is up to whoever runs the demo.

mod cases;
mod change;
mod counters;
mod delivery;
mod error;
mod files;
mod filters;
mod mesh;
mod outcome;
mod report;

use peergate_fault::Failure;

pub use change::ChangedDocuments;
pub use error::DemoError;
pub use files::DemoFiles;
pub use mesh::DemoMesh;
pub use report::Report;

/// Makes every call, one after the other, then one of the denied calls again with the documents that `allow` changes,
/// which gets the id of the decision.
pub fn run(
    mesh: &DemoMesh,
    allow: impl FnOnce(&str) -> Result<ChangedDocuments, Failure>,
) -> Result<Report, Failure> {
    let mut outcomes = Vec::new();
    for case in cases::all() {
        outcomes.push(mesh.outcome(case)?);
    }
    let stats = mesh.server().stats().map_err(DemoError::from)?;
    let counters = counters::read(&stats).map_err(DemoError::Metrics)?;
    let change = change::allow(mesh, &outcomes, allow)?;
    Ok(Report::new(outcomes, counters, change))
}
