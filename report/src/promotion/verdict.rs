//! A verdict and its reasons, as text.

use std::time::Duration;

use peergate_insight::promotion::Window;
use peergate_insight::promotion::candidate::{Candidate, Subject};
use peergate_insight::promotion::coverage::Gap;
use peergate_insight::promotion::evidence::Seen;
use peergate_insight::promotion::judged::Judged;
use peergate_insight::promotion::revisions::Revisions;
use peergate_insight::promotion::verdict::{NotInForce, Unknown, Verdict};
use policy_schema::rule_spec::Effect;
use policy_schema::telemetry::metric::{DECISIONS, REVISION};

use super::denials::denials;
use super::notes::{beginning, notes};
use super::report::Report;
use super::wording::{counted_requests, length, listed, tcp_ports, whole_second, whole_seconds};

/// The verdict, its evidence and its limitations.
pub(crate) fn lines(judged: &Judged, report: &Report) -> Vec<String> {
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
                "none of {requests} would have been denied: the denial rate is at most {bound}, with {confidence} confidence"
            ),
        ],
        Verdict::WouldDeny {
            requests: denied,
            share,
            bound,
        } => vec![
            "not ready, would have denied requests".to_owned(),
            format!(
                "{denied} of {requests} would have been denied: {share}, and the denial rate is at most {bound}, with {confidence} confidence"
            ),
        ],
        Verdict::TooFew { bound, more } => vec![
            "not ready, too few requests".to_owned(),
            format!(
                "none of {requests} would have been denied: the denial rate is at most {bound}, with {confidence} confidence"
            ),
            format!(
                "{} more without a denial would lower the bound to {}",
                counted_requests(*more),
                standard.max_denied
            ),
        ],
        Verdict::TooShort {
            bound,
            wait,
            gap,
            more,
        } => too_short(
            &format!(
                "none of {requests} would have been denied: the denial rate is at most {bound}, with {confidence} confidence"
            ),
            *wait,
            *gap,
            *more,
            report,
        ),
        Verdict::NotScraped { bound, since } => vec![
            format!("not ready, not scraped since {}", whole_second(*since)),
            format!(
                "none of {requests} would have been denied until then: the denial rate is at most {bound}, with {confidence} confidence"
            ),
            format!(
                "check that Prometheus scrapes the proxies: `{}`, `{}`",
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
        if matches!(evidence.revisions, Revisions::Unreported) {
            lines.push(
                "note: proxies do not report their revision, so the counters may be from an earlier one"
                    .to_owned(),
            );
        }
    }
    lines
}

/// The time at which a rule begins or ended.
fn not_in_force(reason: NotInForce, window: Window) -> Vec<String> {
    let title = "not ready, not in force in the window".to_owned();
    match reason {
        NotInForce::Ended(at) => vec![
            title,
            format!("the rule ended at {at}: remove it, or set a later `notAfter`"),
        ],
        NotInForce::Begins(at) if at < window.until => vec![
            title,
            format!(
                "the rule began at {at} and was not counted before: choose a shorter `--window`, or wait"
            ),
        ],
        NotInForce::Begins(at) => vec![
            title,
            format!(
                "the rule begins at {at} and is not counted before: wait until it has been in force for the whole window"
            ),
        ],
    }
}

/// The evidence so far, and the time to wait.
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
            "counted for {} of {}",
            length(Duration::from_secs(counted.as_secs())),
            length(asked)
        ),
    };
    let mut lines = vec![
        if gap.is_some() {
            "not ready, the counters have gaps in the window"
        } else {
            "not ready, the counters do not cover the window yet"
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
            "{} more without a denial are also needed",
            counted_requests(more)
        ));
    }
    lines
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
            "ready, the rule only records"
        }
        .to_owned(),
    ];
    let Some(seen) = seen else {
        lines.push("no proxy counts the rule, so its matches are unknown".to_owned());
        return lines;
    };
    let matches: u64 = seen.hits.iter().map(|hits| hits.requests).sum();
    lines.push(format!("the rule matched {}", counted_requests(matches)));
    if is_allowing && matches > 0 {
        lines.push(
            "if enforced, it allows those of them that are denied today; counters do not show how many"
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
                "not ready, no proxy counts the policy".to_owned()
            },
            format!(
                "apply it, and check that Prometheus scrapes the proxies: `{}`",
                DECISIONS.name
            ),
        ],
        Unknown::OtherRevisions(running) => vec![
            "not ready, proxies run another revision of the policy".to_owned(),
            format!(
                "the documents have {}, but proxies run {}: apply the documents first",
                candidate
                    .members
                    .iter()
                    .map(|member| member.revision.to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
                running.join(", ")
            ),
        ],
        Unknown::Shared(others) => {
            let others = listed(others);
            vec![
                "not ready, its denials are not counted at every workload".to_owned(),
                format!(
                    "policy {others} selects some of the same workloads, is enforced, and passes requests that no rule matches; the filter cannot count there which of them this policy would deny"
                ),
                format!(
                    "put {others} in shadow too, so that they are judged together; until they are enforced, nothing is denied there"
                ),
            ]
        }
        Unknown::TcpPorts(ports) => vec![
            "not ready, denied connections without HTTP are not counted".to_owned(),
            format!(
                "the filter does not see {}: compare their callers with the rules, then add `--ignore-tcp-ports`",
                tcp_ports(ports)
            ),
        ],
        Unknown::Provider => vec![
            "not ready, an external authorizer decides".to_owned(),
            "no counter shows what the external authorizer would decide".to_owned(),
        ],
    }
}
