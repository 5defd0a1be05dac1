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
mod error;
mod mesh;
mod outcome;
mod report;

use peergate_mesh::metrics::Metrics;

pub(crate) use error::DemoError;
pub(crate) use mesh::DemoMesh;
pub(crate) use report::Report;

/// Makes every call, one after the other, then has one of the denials explained and allowed.
pub(crate) fn run(mesh: &DemoMesh) -> Result<Report, DemoError> {
    let mut outcomes = Vec::new();
    for case in cases::all() {
        outcomes.push(mesh.outcome(case)?);
    }
    let metrics = Metrics::parse(&mesh.server().stats()?)?;
    let change = change::allow(mesh, &outcomes)?;
    Ok(Report::new(outcomes, &metrics, change))
}
