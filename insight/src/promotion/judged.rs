//! Candidates → their evidence and verdicts.

use super::candidate::Candidate;
use super::counting::Window;
use super::evidence::Evidence;
use super::gathering::gather;
use super::verdict::{Standard, Verdict, judge};
use crate::prometheus::{Prometheus, PrometheusError};

/// Something in shadow, what was seen of it, and what follows.
#[derive(Debug)]
pub struct Judged {
    /// What is in shadow.
    pub candidate: Candidate,
    /// What was seen of it in the window.
    pub evidence: Evidence,
    /// Whether it can be enforced.
    pub verdict: Verdict,
}

/// Asks a Prometheus about all of these, and judges each.
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
