//! The promotion report as JSON.

use std::borrow::Cow;

use peergate_insight::promotion::bound::Share;
use peergate_insight::promotion::candidate::{Member, Subject};
use peergate_insight::promotion::evidence::{Beginning, CallerHits, Hits};
use peergate_insight::promotion::judged::Judged;
use peergate_insight::promotion::revisions::Revisions;
use peergate_insight::promotion::verdict::{Unknown, Verdict};
use policy_schema::telemetry::ObservedValue;
use serde::Serialize;

use super::notes::notes;
use super::report::Report;
use super::wording::{whole_seconds, word};
use crate::serialized::{self, SerializeError};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    from: String,
    until: String,
    max_breakage: f64,
    confidence: f64,
    candidates: Vec<Entry>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    policy: String,
    /// The policies that must be enforced together with this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    together: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    ready: bool,
    /// `harmless`, `ready`, `would-deny`, `too-few-requests`, `not-long-enough`, `not-scraped`, `not-counted`, `other-revisions`,
    /// `shared-workloads`, `provider-decides`, `not-in-force` or `uncounted-tcp-ports`.
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    more_requests: Option<u64>,
    /// The time until the counters cover the whole window.
    #[serde(skip_serializing_if = "Option::is_none")]
    wait_seconds: Option<u64>,
    /// The total time without scrapes in the window, if it is too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    unscraped_seconds: Option<u64>,
    /// The end of the last gap.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_unscraped: Option<String>,
    /// The time of the last scrape, if it is too long before the end of the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_scraped_since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// `asked`, `first-seen` or `revised`.
    #[serde(skip_serializing_if = "Option::is_none")]
    beginning: Option<&'static str>,
    revision: String,
    /// None if proxies do not report their revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    other_revisions: Option<Vec<String>>,
    /// The ports without HTTP, whose denied connections are not counted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tcp_ports: Vec<u16>,
    /// Limitations of the verdict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    hits: Vec<HitsEntry>,
    /// None if no proxy counts by caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    callers: Option<Vec<CallerEntry>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HitsEntry {
    rule: Option<String>,
    reason: String,
    requests: u64,
    before_first_look: u64,
}

#[derive(Serialize)]
struct CallerEntry {
    /// `null` for a caller without an identity, and for callers beyond `maxSeries`.
    caller: Option<String>,
    method: Option<String>,
    path: Option<String>,
    /// Whether this entry sums up all callers beyond `maxSeries`.
    others: bool,
    requests: u64,
}

/// Formats the report as a JSON object.
pub fn json(report: &Report) -> Result<Vec<u8>, SerializeError> {
    let candidates = report.judged.iter();
    serialized::json(&Document {
        from: report.window.from.to_string(),
        until: report.window.until.to_string(),
        max_breakage: report.standard.max_denied.as_fraction(),
        confidence: report.standard.confidence.as_fraction(),
        candidates: candidates
            .flat_map(|judged| {
                let members = judged.candidate.members.iter();
                members.map(|member| entry(judged, member, report))
            })
            .collect(),
    })
}

/// Entries for a policy or rule. Policies that must be enforced together share one verdict.
fn entry(judged: &Judged, member: &Member, report: &Report) -> Entry {
    let Judged {
        candidate,
        evidence,
        verdict,
    } = judged;
    let seen = evidence.seen.as_ref().ok();
    let (effect, owner) = match &candidate.subject {
        Subject::Policies { .. } => (None, None),
        Subject::Rule { effect, owner, .. } => (Some(word(*effect)), owner.clone()),
    };
    let (bound, more_requests) = match verdict {
        Verdict::Harmless | Verdict::NotInForce(_) | Verdict::Unknown(_) => (None, None),
        Verdict::Ready { bound }
        | Verdict::NotScraped { bound, .. }
        | Verdict::WouldDeny { bound, .. } => (Some(*bound), None),
        Verdict::TooFew { bound, more } => (Some(*bound), Some(*more)),
        Verdict::TooShort { bound, more, .. } => {
            (Some(*bound), Some(*more).filter(|more| *more > 0))
        }
    };
    let wait_seconds = match verdict {
        Verdict::TooShort { wait, .. } => Some(whole_seconds(*wait)),
        _ => None,
    };
    let coverage = seen.map(|seen| seen.coverage);
    let gap = coverage.and_then(|coverage| coverage.gap);
    let mut written = report.written.iter();
    let others = candidate
        .members
        .iter()
        .filter(|other| other.name != member.name);
    Entry {
        policy: member.name.to_string(),
        together: others.map(|other| other.name.to_string()).collect(),
        rule: candidate.rule().map(str::to_owned),
        effect,
        owner,
        ready: verdict.is_ready(),
        verdict: name(verdict),
        bound: bound.map(Share::as_fraction),
        more_requests,
        wait_seconds,
        unscraped_seconds: gap.map(|gap| whole_seconds(gap.length)),
        last_unscraped: gap.map(|gap| gap.last.to_string()),
        not_scraped_since: coverage
            .and_then(|coverage| coverage.ended)
            .map(|ended| ended.to_string()),
        requests: seen.map(|seen| seen.requests),
        since: seen.map(|seen| seen.since.to_string()),
        beginning: seen.map(|seen| match seen.beginning {
            Beginning::Requested => "asked",
            Beginning::FirstSeen => "first-seen",
            Beginning::Revised => "revised",
        }),
        revision: member.revision.to_string(),
        other_revisions: match &evidence.revisions {
            Revisions::Unreported => None,
            Revisions::Current { .. } => Some(Vec::new()),
            Revisions::Others(running) => Some(running.clone()),
        },
        tcp_ports: member.tcp_ports.clone(),
        notes: notes(judged, report),
        hits: seen.map_or(Vec::new(), |seen| seen.hits.iter().map(hits).collect()),
        callers: seen
            .and_then(|seen| seen.callers.as_ref())
            .map(|callers| callers.iter().map(caller).collect()),
        written: written
            .find(|written| {
                written.policy == member.name && written.rule.as_deref() == candidate.rule()
            })
            .map(|written| written.file.clone()),
    }
}

fn name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Harmless => "harmless",
        Verdict::Ready { .. } => "ready",
        Verdict::WouldDeny { .. } => "would-deny",
        Verdict::TooFew { .. } => "too-few-requests",
        Verdict::TooShort { .. } => "not-long-enough",
        Verdict::NotScraped { .. } => "not-scraped",
        Verdict::NotInForce(_) => "not-in-force",
        Verdict::Unknown(Unknown::TcpPorts(_)) => "uncounted-tcp-ports",
        Verdict::Unknown(Unknown::NotCounted(_)) => "not-counted",
        Verdict::Unknown(Unknown::OtherRevisions(_)) => "other-revisions",
        Verdict::Unknown(Unknown::Shared(_)) => "shared-workloads",
        Verdict::Unknown(Unknown::Provider) => "provider-decides",
    }
}

fn hits(hits: &Hits) -> HitsEntry {
    HitsEntry {
        rule: hits.rule.clone(),
        reason: hits.reason.clone(),
        requests: hits.requests,
        before_first_look: hits.before,
    }
}

fn caller(caller: &CallerHits) -> CallerEntry {
    let text = |observed: &ObservedValue| observed.text().map(Cow::into_owned);
    CallerEntry {
        caller: text(&caller.caller),
        method: text(&caller.method),
        path: text(&caller.path),
        others: caller.caller == ObservedValue::Other,
        requests: caller.requests,
    }
}
