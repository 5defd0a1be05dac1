//! Evidence → a verdict.

use std::time::Duration;

use policy_schema::plugin_config::PolicyName;
use policy_schema::rule_spec::Effect;
use policy_schema::timestamp::{Timestamp, Validity};

use super::bound::{Confidence, Share, requests_needed, upper_bound};
use super::candidate::{Candidate, Subject};
use super::counting::Window;
use super::coverage::Gap;
use super::evidence::{Evidence, Hits, Seen};
use super::revisions::Revisions;

/// The standard that a candidate must meet.
#[derive(Clone, Copy, Debug)]
pub struct Standard {
    /// The maximum share of requests that may be denied.
    pub max_denied: Share,
    /// The confidence of the bound on that share.
    pub confidence: Confidence,
    /// Whether to ignore connections without HTTP, whose denials are not counted.
    pub ignores_tcp: bool,
}

/// Whether a candidate can be enforced.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The enforced candidate would not deny any request that passes today.
    Harmless,
    /// None of enough requests would have been denied.
    Ready {
        /// The upper bound of the denial rate.
        bound: Share,
    },
    /// Requests would have been denied.
    WouldDeny {
        /// The number of denials.
        requests: u64,
        /// Their share of all requests.
        share: Share,
        /// The upper bound of the denial rate.
        bound: Share,
    },
    /// None of too few requests would have been denied.
    TooFew {
        /// The upper bound of the denial rate.
        bound: Share,
        /// The number of further requests needed without a denial.
        more: u64,
    },
    /// None would have been denied, but the counters do not cover the window.
    TooShort {
        /// The upper bound of the denial rate.
        bound: Share,
        /// The time until the counters cover the window.
        wait: Duration,
        /// The gaps between samples. None if counting only started too late.
        gap: Option<Gap>,
        /// The number of further requests needed. 0 if there are enough.
        more: u64,
    },
    /// None would have been denied until the last scrape. Later requests are unknown.
    NotScraped {
        /// The upper bound of the denial rate until then.
        bound: Share,
        /// The last scrape.
        since: Timestamp,
    },
    /// The rule was not in force for the whole window.
    NotInForce(NotInForce),
    /// The counters are insufficient.
    Unknown(Unknown),
}

/// Why a rule was not in force for the whole window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotInForce {
    /// The rule has ended.
    Ended(Timestamp),
    /// The rule begins in or after the window.
    Begins(Timestamp),
}

/// Why the counters are insufficient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// No proxy counts these policies.
    NotCounted(Vec<PolicyName>),
    /// Proxies run different revisions than the documents.
    OtherRevisions(Vec<String>),
    /// At workloads of these enforced policies, the filter cannot count what the candidate's default would deny.
    Shared(Vec<PolicyName>),
    /// An external authorizer decides.
    Provider,
    /// Connections without HTTP may be denied. The filter does not see them.
    TcpPorts(Vec<u16>),
}

impl Verdict {
    /// Whether the candidate may be enforced.
    pub fn is_ready(&self) -> bool {
        match self {
            Self::Harmless | Self::Ready { .. } => true,
            Self::WouldDeny { .. }
            | Self::TooFew { .. }
            | Self::TooShort { .. }
            | Self::NotScraped { .. }
            | Self::NotInForce(_)
            | Self::Unknown(_) => false,
        }
    }
}

/// Judges a candidate by its evidence in the window.
pub fn judge(
    candidate: &Candidate,
    evidence: &Evidence,
    window: Window,
    standard: Standard,
) -> Verdict {
    let verdict = by_evidence(candidate, evidence, window, standard);
    let ports = candidate.tcp_ports();
    match verdict {
        Verdict::Ready { .. } if !ports.is_empty() && !standard.ignores_tcp => {
            Verdict::Unknown(Unknown::TcpPorts(ports))
        }
        verdict => verdict,
    }
}

fn by_evidence(
    candidate: &Candidate,
    evidence: &Evidence,
    window: Window,
    standard: Standard,
) -> Verdict {
    match &candidate.subject {
        Subject::Rule {
            effect: Effect::Custom,
            ..
        } => return Verdict::Unknown(Unknown::Provider),
        Subject::Rule {
            effect, validity, ..
        } => {
            if let Some(reason) = not_in_force(*validity, window) {
                return Verdict::NotInForce(reason);
            }
            if matches!(effect, Effect::Allow | Effect::Audit) {
                return Verdict::Harmless;
            }
        }
        Subject::Policies { uncounted } => {
            if !uncounted.is_empty() {
                return Verdict::Unknown(Unknown::Shared(uncounted.clone()));
            }
        }
    }
    if let Revisions::Others(running) = &evidence.revisions {
        return Verdict::Unknown(Unknown::OtherRevisions(running.clone()));
    }
    match &evidence.seen {
        Ok(seen) => by_numbers(seen, standard),
        Err(policies) => Verdict::Unknown(Unknown::NotCounted(policies.clone())),
    }
}

/// Checks that a rule was in force for the whole window.
fn not_in_force(validity: Validity, window: Window) -> Option<NotInForce> {
    let ended = validity.not_after.filter(|end| *end <= window.until);
    let begins = validity.not_before.filter(|begin| *begin > window.from);
    ended
        .map(NotInForce::Ended)
        .or(begins.map(NotInForce::Begins))
}

fn by_numbers(
    seen: &Seen,
    Standard {
        max_denied,
        confidence,
        ..
    }: Standard,
) -> Verdict {
    let denied: u64 = seen.hits.iter().map(|Hits { requests, .. }| requests).sum();
    let bound = upper_bound(denied, seen.requests, confidence);
    if denied > 0 {
        return Verdict::WouldDeny {
            requests: denied,
            share: Share::from_counts(denied, seen.requests),
            bound,
        };
    }
    if let Some(since) = seen.coverage.ended {
        return Verdict::NotScraped { bound, since };
    }
    let needed = requests_needed(max_denied, confidence);
    let more = if bound <= max_denied {
        0
    } else {
        needed.saturating_sub(seen.requests).max(1)
    };
    // Rare requests may not have occurred yet, however many requests there were.
    let gap = seen.coverage.gap;
    if !seen.missing.is_zero() || gap.is_some() {
        let until_gap_is_out = gap.map_or(Duration::ZERO, |gap| gap.wait);
        return Verdict::TooShort {
            bound,
            wait: seen.missing.max(until_gap_is_out),
            gap,
            more,
        };
    }
    match more {
        0 => Verdict::Ready { bound },
        more => Verdict::TooFew { bound, more },
    }
}
