//! What a verdict does not cover.

use peergate_insight::promotion::evidence::{Beginning, Seen};
use peergate_insight::promotion::judged::Judged;
use peergate_insight::promotion::schedule::{self, Scheduled};

use super::report::Report;
use super::wording::{tcp_ports, whole_second};

/// What the verdict does not cover, one sentence each.
pub(crate) fn notes(judged: &Judged, report: &Report) -> Vec<String> {
    let scheduled = schedule::scheduled(&judged.candidate, report.window).into_iter();
    let mut notes: Vec<_> = scheduled
        .map(|scheduled| match scheduled {
            Scheduled::AllowEnds { rule, at, is_last } => {
                let rest = if is_last {
                    "no `Allow` rule is left, and every request is denied"
                } else {
                    "what it alone allows is denied"
                };
                format!("rule {rule} (Allow) ends at {at}: once the policy is enforced, {rest} from then on")
            }
            Scheduled::DenyBegins { rule, at } => format!(
                "rule {rule} (Deny) begins at {at}: what it denies was not counted before"
            ),
        })
        .collect();
    let ports = judged.candidate.tcp_ports();
    if report.standard.ignores_tcp && !ports.is_empty() && judged.verdict.is_ready() {
        notes.push(format!(
            "nothing counts connections to {}, which may be denied",
            tcp_ports(&ports)
        ));
    }
    notes
}

/// Since when it counts, where that is not all the time that was asked about.
pub(crate) fn beginning(seen: &Seen, report: &Report) -> Option<String> {
    let asked = whole_second(report.window.from);
    let since = whole_second(seen.since);
    match seen.beginning {
        Beginning::Asked => None,
        Beginning::FirstSeen => Some(format!(
            "note: counted since {since}, and not since {asked}: nothing earlier was seen of it"
        )),
        Beginning::Revised => Some(format!(
            "note: counted since {since}, and not since {asked}: before, proxies ran another revision of the policy"
        )),
    }
}
