//! The report for people.

use std::fmt::Write;
use std::time::Duration;

use peergate_insight::promotion::Window;
use peergate_insight::promotion::candidate::{Candidate, Subject};
use peergate_insight::promotion::coverage::Gap;
use peergate_insight::promotion::enforce::Change;
use peergate_insight::promotion::evidence::{Beginning, CallerHits, Seen};
use peergate_insight::promotion::judged::Judged;
use peergate_insight::promotion::revisions::Revisions;
use peergate_insight::promotion::schedule::{self, Scheduled};
use peergate_insight::promotion::verdict::{NotInForce, Unknown, Verdict};
use policy_schema::plugin_config::PolicyName;
use policy_schema::printable::printable;
use policy_schema::rule_spec::Effect;
use policy_schema::telemetry::ObservedValue;
use policy_schema::telemetry::metric::{DECISIONS, REVISION};
use policy_schema::time_span;
use policy_schema::timestamp::Timestamp;
use policy_schema::wording::counted;

use super::report::Report;

/// More callers than these are not listed: nobody reads on.
const MOST_CALLERS: usize = 20;

const NANOSECONDS: u64 = 1_000_000_000;

/// A few lines for each, and one about all.
pub(super) fn report(report: &Report) -> String {
    let mut text = String::new();
    for judged in &report.judged {
        let lines = lines(judged, report);
        let _ = writeln!(text, "{}: {}", title(&judged.candidate), lines.join("\n  "));
        text.push('\n');
    }
    for written in &report.written {
        let Change { file, policy, rule } = written;
        let rule = match rule {
            Some(rule) => format!("rule {rule} of "),
            None => String::new(),
        };
        let _ = writeln!(
            text,
            "wrote {file}: {rule}policy {policy} is no longer in shadow"
        );
    }
    if report.judged.is_empty() {
        return "nothing is in shadow\n".to_owned();
    }
    let judged = report.judged.iter();
    let ready = judged.filter(|judged| judged.verdict.is_ready()).count();
    let _ = writeln!(text, "{ready} of {} ready", report.judged.len());
    text
}

/// What it is.
fn title(candidate: &Candidate) -> String {
    let members = candidate.members.iter();
    let names: Vec<_> = members.map(|member| member.name.to_string()).collect();
    let names = names.join(", ");
    match &candidate.subject {
        Subject::Policies { .. } if candidate.members.len() > 1 => {
            format!("policies {names} together")
        }
        Subject::Policies { .. } => format!("policy {names}"),
        Subject::Rule {
            id, effect, owner, ..
        } => {
            let owner = match owner {
                Some(owner) => format!(", owner {owner}"),
                None => String::new(),
            };
            format!("rule {id} of policy {names} ({}{owner})", word(*effect))
        }
    }
}

pub(super) fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
        Effect::Audit => "Audit",
        Effect::Custom => "Custom",
    }
}

fn lines(judged: &Judged, report: &Report) -> Vec<String> {
    let Judged {
        candidate,
        evidence,
        verdict,
    } = judged;
    let standard = &report.standard;
    let seen = evidence.seen.as_ref().ok();
    let requests = seen.map(|seen| counted_requests(seen.requests));
    let requests = requests.unwrap_or_default();
    let confidence = standard.confidence;
    let mut lines = match verdict {
        Verdict::Harmless => harmless(&candidate.subject, seen),
        Verdict::Ready { bound } => vec![
            "ready".to_owned(),
            format!(
                "none of {requests} would have been denied: at most {bound} of all can be, with {confidence} confidence"
            ),
        ],
        Verdict::WouldDeny {
            requests: denied,
            share,
            bound,
        } => vec![
            "not ready, requests would have been denied".to_owned(),
            format!(
                "{denied} of {requests} would have been denied: {share}, and at most {bound} of all, with {confidence} confidence"
            ),
        ],
        Verdict::TooFew { bound, more } => vec![
            "not ready, too few requests were seen".to_owned(),
            format!(
                "none of {requests} would have been denied: at most {bound} of all can be, with {confidence} confidence"
            ),
            format!(
                "{} more without a denial would make that at most {}",
                counted_requests(*more),
                standard.most
            ),
        ],
        Verdict::TooShort {
            bound,
            wait,
            gap,
            more,
        } => too_short(
            &format!(
                "none of {requests} would have been denied: at most {bound} of all can be, with {confidence} confidence"
            ),
            *wait,
            *gap,
            *more,
            report,
        ),
        Verdict::NotScraped { bound, since } => vec![
            format!("not ready, not scraped since {}", whole_second(*since)),
            format!(
                "none of {requests} would have been denied until then: at most {bound} of all can be, with {confidence} confidence"
            ),
            format!(
                "see whether Prometheus scrapes the proxies: `{}`, `{}`",
                DECISIONS.name, REVISION.name
            ),
        ],
        Verdict::NotInForce(reason) => not_in_force(*reason, report.window),
        Verdict::Unknown(unknown) => unknown_lines(unknown, candidate),
    };
    lines.extend(
        notes(judged, report)
            .iter()
            .map(|note| format!("note: {note}")),
    );
    let Some(seen) = seen else {
        return lines;
    };
    if matches!(verdict, Verdict::WouldDeny { .. }) {
        lines.extend(denials(seen));
    }
    if !matches!(verdict, Verdict::Unknown(_) | Verdict::NotInForce(_)) {
        lines.extend(beginning(seen, report));
        if matches!(evidence.revisions, Revisions::Untold) {
            lines.push(
                "note: proxies do not tell which revision they run, so what was counted may be of an earlier one"
                    .to_owned(),
            );
        }
    }
    lines
}

/// Since when a rule applies, or until when it did.
fn not_in_force(reason: NotInForce, window: Window) -> Vec<String> {
    let title = "not ready, not in force in the window".to_owned();
    match reason {
        NotInForce::Ended(at) => vec![
            title,
            format!("it ended at {at}: remove the rule, or give it a later `notAfter`"),
        ],
        NotInForce::Begins(at) if at < window.until => vec![
            title,
            format!(
                "it began at {at}, and nothing was counted before: choose a shorter `--window`, or wait"
            ),
        ],
        NotInForce::Begins(at) => vec![
            title,
            format!(
                "it begins at {at}, and nothing is counted before: wait until it was in force for the whole window"
            ),
        ],
    }
}

/// What the verdict does not cover, one sentence each.
pub(super) fn notes(judged: &Judged, report: &Report) -> Vec<String> {
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

/// `tcpPorts` 5432 and 6379.
fn tcp_ports(ports: &[u16]) -> String {
    let ports: Vec<_> = ports.iter().map(ToString::to_string).collect();
    format!("`tcpPorts` {}", ports.join(", "))
}

/// What was counted so far, and how long to wait.
fn too_short(
    so_far: &str,
    wait: Duration,
    gap: Option<Gap>,
    more: u64,
    report: &Report,
) -> Vec<String> {
    let Window { until, .. } = report.window;
    let asked = report.window.length();
    let counted = asked.saturating_sub(wait);
    let counted = match gap {
        Some(gap) => format!(
            "proxies were not scraped for {} of {}, the last time until {}",
            length(gap.length),
            length(asked),
            whole_second(gap.last)
        ),
        None => format!(
            "it has been counted for {} of {}",
            length(Duration::from_secs(counted.as_secs())),
            length(asked)
        ),
    };
    let mut lines = vec![
        if gap.is_some() {
            "not ready, not counted for all of the window"
        } else {
            "not ready, not counted for long enough yet"
        }
        .to_owned(),
        so_far.to_owned(),
        format!(
            "{counted}: wait {}, until {}, or choose a shorter `--window`",
            length(Duration::from_secs(whole_seconds(wait))),
            whole_second(until.after(wait)),
        ),
    ];
    if more > 0 {
        lines.push(format!(
            "it also takes {} more without a denial",
            counted_requests(more)
        ));
    }
    lines
}

/// A stretch of time in its two largest units, rounded up.
pub(super) fn length(time: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let seconds = whole_seconds(time);
    let unit = match seconds {
        DAY.. => HOUR,
        HOUR.. => MINUTE,
        _ => 1,
    };
    time_span::text(Duration::from_secs(seconds.div_ceil(unit) * unit))
}

/// The seconds of a stretch of time, rounded up.
pub(super) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

fn harmless(subject: &Subject, seen: Option<&Seen>) -> Vec<String> {
    let is_allowing = matches!(
        subject,
        Subject::Rule {
            effect: Effect::Allow,
            ..
        }
    );
    let mut lines = vec![
        if is_allowing {
            "ready, an `Allow` rule denies nothing"
        } else {
            "ready, it only records"
        }
        .to_owned(),
    ];
    let Some(seen) = seen else {
        lines.push("no proxy counts it, so whether it matches anything is not known".to_owned());
        return lines;
    };
    let matches: u64 = seen.hits.iter().map(|hits| hits.requests).sum();
    lines.push(format!("it matched {}", counted_requests(matches)));
    if is_allowing && matches > 0 {
        lines.push(
            "enforced, it allows those of them that are denied today; how many these are, counters do not tell"
                .to_owned(),
        );
    }
    lines
}

fn unknown_lines(unknown: &Unknown, candidate: &Candidate) -> Vec<String> {
    match unknown {
        Unknown::NotCounted(policies) => vec![
            if policies.len() < candidate.members.len() {
                format!("not ready, no proxy counts policy {}", listed(policies))
            } else {
                "not ready, no proxy counts it".to_owned()
            },
            format!(
                "apply it, and see whether Prometheus scrapes the proxies: `{}`",
                DECISIONS.name
            ),
        ],
        Unknown::OtherRevisions(running) => vec![
            "not ready, proxies run another revision of the policy".to_owned(),
            format!(
                "the documents have {}, and proxies run {}: apply the documents first",
                candidate
                    .members
                    .iter()
                    .map(|member| member.revision.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
                running.join(", ")
            ),
        ],
        Unknown::Shared(others) => {
            let others = listed(others);
            vec![
                "not ready, what it would deny is not counted everywhere".to_owned(),
                format!(
                    "policy {others} is enforced for some of the same workloads and lets pass what no rule matches; there nobody counts what would be denied for lack of a rule"
                ),
                format!(
                    "put {others} in shadow as well, and they are judged together; until they are enforced, nothing is denied there"
                ),
            ]
        }
        Unknown::TcpPorts(ports) => vec![
            "not ready, connections without HTTP may be denied, and nothing counts them".to_owned(),
            format!(
                "the filter does not see {}: compare their callers with the rules, then add `--ignore-tcp-ports`",
                tcp_ports(ports)
            ),
        ],
        Unknown::Provider => vec![
            "not ready, its provider decides".to_owned(),
            "what the provider would say of these requests is in no counter".to_owned(),
        ],
    }
}

fn listed(policies: &[PolicyName]) -> String {
    let names: Vec<_> = policies.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// Why requests would have been denied, and whose they are.
fn denials(seen: &Seen) -> Vec<String> {
    let mut lines = Vec::new();
    for hits in &seen.hits {
        let by = match &hits.rule {
            Some(rule) => format!(" by {}", printable(rule)),
            None => String::new(),
        };
        let reason = printable(&hits.reason);
        lines.push(format!("  {:>8}  {reason}{by}", hits.requests));
        if hits.before > 0 {
            lines.push(format!(
                "            {} of them were counted before the counters were first looked at",
                hits.before
            ));
        }
    }
    match &seen.callers {
        None => lines.push(
            "whose these are, no counter tells: the learning mode counts by caller, and the filter logs each"
                .to_owned(),
        ),
        Some(callers) if callers.is_empty() => lines.push(
            "whose these are is not known: the learning mode has counted none of them".to_owned(),
        ),
        Some(callers) => {
            lines.push("whose these are:".to_owned());
            lines.extend(callers.iter().take(MOST_CALLERS).map(caller));
            let more = callers.len().saturating_sub(MOST_CALLERS);
            if more > 0 {
                lines.push(format!("            and {more} more"));
            }
        }
    }
    lines
}

fn caller(caller: &CallerHits) -> String {
    let who = match &caller.caller {
        ObservedValue::Absent => "a caller without an identity".to_owned(),
        ObservedValue::Text(text) => printable(&String::from_utf8_lossy(text)),
        ObservedValue::Other => "others, beyond the series that the learning mode keeps".to_owned(),
    };
    let of = |observed: &ObservedValue| {
        let text = observed.text().map(|text| format!(" {}", printable(&text)));
        text.unwrap_or_default()
    };
    format!(
        "  {:>8}  {who}{}{}",
        caller.requests,
        of(&caller.method),
        of(&caller.path)
    )
}

/// Since when it counts, where that is not all the time that was asked about.
fn beginning(seen: &Seen, report: &Report) -> Option<String> {
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

fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_unix_nanoseconds(at.unix_nanoseconds() / NANOSECONDS * NANOSECONDS)
}

fn counted_requests(requests: u64) -> String {
    counted(
        usize::try_from(requests).unwrap_or(usize::MAX),
        "request",
        "requests",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use peergate_insight::promotion::coverage::Coverage;
    use peergate_insight::promotion::evidence::Hits;

    #[test]
    fn a_stretch_of_time_is_told_in_two_units() {
        for (seconds, told) in [
            (0, "0s"),
            (59, "59s"),
            (200, "3m 20s"),
            (3_600, "1h"),
            (3_601, "1h 1m"),
            (604_800, "7d"),
            (604_800 - 200, "7d"),
            (604_800 - 3_700, "6d 23h"),
        ] {
            assert_eq!(length(Duration::from_secs(seconds)), told, "{seconds}");
        }
    }

    #[test]
    fn what_labels_bring_does_not_control_the_terminal() {
        let evil = "\u{1b}[2J\u{202e}x".to_owned();
        let seen = Seen {
            since: Timestamp::from_unix_nanoseconds(0),
            beginning: Beginning::Asked,
            missing: Duration::ZERO,
            coverage: Coverage::default(),
            requests: 1,
            hits: vec![Hits {
                rule: Some(evil.clone()),
                reason: evil,
                requests: 1,
                before: 0,
            }],
            callers: Some(vec![CallerHits {
                caller: ObservedValue::from_label("_1b_e2_80_ae"),
                method: ObservedValue::from_label("_1b"),
                path: ObservedValue::from_label("_2f_e2_80_ae"),
                requests: 1,
            }]),
        };
        let expected = [
            r"         1  \u{1b}[2J\u{202e}x by \u{1b}[2J\u{202e}x",
            "whose these are:",
            r"         1  \u{1b}\u{202e} \u{1b} /\u{202e}",
        ];
        assert_eq!(denials(&seen), expected);
    }
}
