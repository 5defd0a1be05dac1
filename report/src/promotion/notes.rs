//! Limitations of a verdict.

use peergate_insight::promotion::evidence::{Beginning, Seen};
use peergate_insight::promotion::judged::Judged;
use peergate_insight::promotion::schedule::{self, Scheduled};

use super::report::Report;
use super::wording::{tcp_ports, whole_second};

/// Limitations of the verdict, one sentence each.
pub(crate) fn notes(judged: &Judged, report: &Report) -> Vec<String> {
    let scheduled = schedule::scheduled(&judged.candidate, report.window).into_iter();
    let mut notes: Vec<_> = scheduled
        .map(|scheduled| match scheduled {
            Scheduled::AllowEnds { rule, at, is_last } => {
                let rest = if is_last {
                    "the policy denies every request, because it has no other `Allow` rule"
                } else {
                    "the policy denies requests that only this rule allows"
                };
                format!("rule {rule} (Allow) ends at {at}: from then on, if enforced, {rest}")
            }
            Scheduled::DenyBegins { rule, at } => format!(
                "rule {rule} (Deny) begins at {at}: requests that it would deny were not counted before"
            ),
        })
        .collect();
    let ports = judged.candidate.tcp_ports();
    if report.standard.ignores_tcp && !ports.is_empty() && judged.verdict.is_ready() {
        notes.push(format!(
            "denied connections to {} are not counted",
            tcp_ports(&ports)
        ));
    }
    notes
}

/// The start of counting, if it is later than the start of the window.
pub(crate) fn beginning(seen: &Seen, report: &Report) -> Option<String> {
    let asked = whole_second(report.window.from);
    let since = whole_second(seen.since);
    match seen.beginning {
        Beginning::Requested => None,
        Beginning::FirstSeen => Some(format!(
            "note: counted since {since} instead of {asked}: there are no earlier samples"
        )),
        Beginning::Revised => Some(format!(
            "note: counted since {since} instead of {asked}: proxies ran another revision of the policy before"
        )),
    }
}
