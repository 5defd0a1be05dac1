//! The demo: a service of the example shop behind a real Envoy with the filter, and callers of every kind.
//!
//! ```text
//! files ─▶ policies ──▶ filters ──▶ delivery ─┐
//! cases ──▶ mesh (Envoys, certificates, upstream) ──▶ outcomes, counters ──▶ report
//!              ▲                                          │
//!              └── changed policies ◀── a denial ◀────────┘
//! ```
//!
//! The caller of [`run`] reads the documents and explains the denial.

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

/// Makes all calls sequentially. Then repeats a denied call with documents changed by `allow`, which receives the decision ID.
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
