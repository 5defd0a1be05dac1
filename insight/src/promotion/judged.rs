//! Candidates → evidence and verdicts.

use super::candidate::Candidate;
use super::counting::Window;
use super::evidence::Evidence;
use super::gathering::gather;
use super::verdict::{Standard, Verdict, judge};
use crate::prometheus::{Prometheus, PrometheusError};

/// A candidate with its evidence and verdict.
#[derive(Debug)]
pub struct Judged {
    /// The candidate.
    pub candidate: Candidate,
    /// The evidence in the window.
    pub evidence: Evidence,
    /// The verdict.
    pub verdict: Verdict,
}

/// Queries Prometheus about all candidates and judges each.
pub async fn judge_all(
    prometheus: &Prometheus,
    candidates: Vec<Candidate>,
    window: Window,
    standard: Standard,
) -> Result<Vec<Judged>, PrometheusError> {
    let mut judged = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let evidence = gather(prometheus, &candidate, window).await?;
        let verdict = judge(&candidate, &evidence, window, standard);
        judged.push(Judged {
            candidate,
            evidence,
            verdict,
        });
    }
    Ok(judged)
}
