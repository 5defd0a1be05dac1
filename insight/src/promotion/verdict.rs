//! What was seen of something in shadow → whether it can be enforced.

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

/// What is asked of something before it is enforced.
#[derive(Clone, Copy, Debug)]
pub struct Standard {
    /// The largest share of requests that may break.
    pub max_denied: Share,
    /// How sure the bound on that share has to be.
    pub confidence: Confidence,
    /// Whether the numbers of requests are enough where connections without HTTP may be denied too.
    pub ignores_tcp: bool,
}

/// Whether something in shadow can be enforced.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Enforced, it denies nothing that passes today.
    Harmless,
    /// None of so many requests would have been denied: no more than this share can be.
    Ready {
        /// The largest share that can be denied.
        bound: Share,
    },
    /// Requests would have been denied.
    WouldDeny {
        /// How many.
        requests: u64,
        /// The share of all that they are.
        share: Share,
        /// The largest share that can be denied.
        bound: Share,
    },
    /// None would have been denied, of too few.
    TooFew {
        /// The largest share that can be denied.
        bound: Share,
        /// How many more requests without a denial it takes.
        more: u64,
    },
    /// None would have been denied, but it was counted for less than the window that was asked for.
    TooShort {
        /// The largest share that can be denied.
        bound: Share,
        /// How long until it was counted for all of the window.
        wait: Duration,
        /// What was not looked at in between; none where counting only began too late.
        gap: Option<Gap>,
        /// How many more requests it takes; none where they are enough.
        more: u64,
    },
    /// None would have been denied until the last scrape; what happened since is unknown.
    NotScraped {
        /// The largest share that could be denied until then.
        bound: Share,
        /// The last scrape.
        since: Timestamp,
    },
    /// It did not apply for all of the window, so that what was counted of it proves nothing.
    NotInForce(NotInForce),
    /// What was counted cannot tell.
    Unknown(Unknown),
}

/// Why a rule did not apply for all of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotInForce {
    /// It has ended.
    Ended(Timestamp),
    /// It begins within the window, or after it.
    Begins(Timestamp),
}

/// Why what was counted cannot tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// No proxy counts it of these policies.
    NotCounted(Vec<PolicyName>),
    /// Proxies run other revisions than the documents have.
    OtherRevisions(Vec<String>),
    /// Where these policies decide, nobody counts what this one would deny for lack of a rule.
    Shared(Vec<PolicyName>),
    /// Another one decides.
    Provider,
    /// Connections without HTTP may be denied, which the filter does not see.
    TcpPorts(Vec<u16>),
}

impl Verdict {
    /// Whether it may be enforced.
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

/// Judges something in shadow by what was seen of it in the window.
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

/// Why a rule did not apply from the window's beginning to its end.
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
    // What happens rarely may not have happened yet, however many requests there were.
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
