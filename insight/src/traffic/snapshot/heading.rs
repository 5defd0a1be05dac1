//! Summary lines about all proxies.

use std::collections::BTreeSet;
use std::time::Duration;

use policy_schema::printable::printable;
use policy_schema::telemetry::RbacComparison;
use policy_schema::wording::counted;

use crate::traffic::documents::Documents;
use crate::traffic::policy_name::policy_name;
use crate::traffic::reading::{Reading, whole};

/// The maximum number of items per line.
const MAX_ITEMS: usize = 3;

const MEBIBYTE: f64 = 1024.0 * 1024.0;

pub(super) fn lines(
    reading: &Reading,
    source: &str,
    documents: Option<&Documents>,
    is_wanted: &impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut lines = vec![summary(reading, source, is_wanted)];
    let revisions = Revisions::new(reading, documents, is_wanted);
    lines.extend(revisions.trouble);
    lines.extend(listed(
        "filter and RBAC disagree",
        disagreements(reading, is_wanted),
    ));
    lines.extend(listed("expiring next", endings(reading, is_wanted)));
    if reading.has_more_observed {
        lines.push("callers: only the most frequent are shown".to_owned());
    }
    // Last, because a small screen hides the last lines.
    lines.extend(listed("revisions", revisions.current));
    lines
}

fn summary(reading: &Reading, source: &str, is_wanted: &impl Fn(&str) -> bool) -> String {
    let mut parts = Vec::new();
    if let Some(proxies) = reading.proxies {
        parts.push(count_of(proxies, "proxy", "proxies"));
    }
    let decisions = reading.decisions.keys();
    let policies: BTreeSet<_> = decisions
        .map(|decision| decision.policy.as_str())
        .filter(|policy| is_wanted(policy))
        .collect();
    parts.push(counted(policies.len(), "policy", "policies"));
    if let Some(memory) = reading.memory {
        let all = memory.all / MEBIBYTE;
        parts.push(if reading.proxies == Some(1) {
            format!("{all:.1} MiB of memory")
        } else {
            let largest = memory.largest / MEBIBYTE;
            format!("{all:.1} MiB of memory, {largest:.1} the largest")
        });
    }
    if let Some(rejections) = reading.rejections {
        parts.push(format!(
            "{} rejected",
            count_of(whole(rejections), "config", "configs")
        ));
    }
    if let Some(omitted) = reading.omitted_log_lines.filter(|omitted| *omitted > 0.0) {
        parts.push(format!(
            "{} omitted",
            count_of(whole(omitted), "log line", "log lines")
        ));
    }
    format!("{source}: {}", parts.join(", "))
}

/// The revisions that proxies run.
struct Revisions {
    /// Lines about revisions that differ from the documents or between proxies.
    trouble: Vec<String>,
    /// All other revisions.
    current: Vec<String>,
}

impl Revisions {
    fn new(
        reading: &Reading,
        documents: Option<&Documents>,
        is_wanted: &impl Fn(&str) -> bool,
    ) -> Self {
        let mut current = Vec::new();
        let mut trouble = Vec::new();
        let policies = reading.revisions.iter();
        for (policy, running) in policies.filter(|(policy, _)| is_wanted(policy)) {
            let documented = documents.and_then(|documents| documents.policies.get(policy));
            let running_text = || {
                let running = running.iter().map(|(revision, proxies)| {
                    format!("{revision} ({})", count_of(*proxies, "proxy", "proxies"))
                });
                running.collect::<Vec<_>>().join(", ")
            };
            let name = policy_name(policy);
            match documented {
                Some(documented) if running.keys().any(|known| *known != documented.revision) => {
                    trouble.push(format!(
                        "stale: {name} runs {}, but the documents have {}",
                        running_text(),
                        documented.revision
                    ));
                }
                None if documents.is_some() => trouble.push(format!(
                    "stale: {name} runs {}, but is not in the documents",
                    running_text()
                )),
                None if running.len() > 1 => {
                    trouble.push(format!("differing: {name} runs {}", running_text()));
                }
                Some(_) | None => {
                    current.extend(running.keys().map(|revision| format!("{name} {revision}")));
                }
            }
        }
        Self { trouble, current }
    }
}

/// Decisions on which the filter and RBAC disagree.
fn disagreements(reading: &Reading, is_wanted: &impl Fn(&str) -> bool) -> Vec<String> {
    let comparisons = reading.comparisons.iter();
    comparisons
        .filter(|((policy, verdicts), count)| {
            let disagree = verdicts.parse().is_ok_and(RbacComparison::disagree);
            is_wanted(policy) && disagree && **count > 0.0
        })
        .map(|((policy, verdicts), count)| {
            let (policy, verdicts) = (policy_name(policy), printable(verdicts));
            format!("{policy} {verdicts} {count:.0}")
        })
        .collect()
}

fn endings(reading: &Reading, is_wanted: &impl Fn(&str) -> bool) -> Vec<String> {
    let now = seconds(reading.at.unix_nanoseconds());
    let mut endings: Vec<_> = reading
        .expiries
        .iter()
        .filter(|((policy, _), _)| is_wanted(policy))
        .collect();
    endings.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    endings
        .into_iter()
        .map(|((policy, rule), at)| {
            let left = at - now;
            let when = if left <= 0.0 {
                "expired".to_owned()
            } else {
                format!("in {}", time(left))
            };
            format!("{} of {} {when}", printable(rule), policy_name(policy))
        })
        .collect()
}

/// A duration in its largest unit.
fn time(seconds: f64) -> String {
    let seconds = Duration::try_from_secs_f64(seconds).map_or(0, |time| time.as_secs());
    match seconds {
        0..3600 => count_of(seconds / 60, "minute", "minutes"),
        3600..172_800 => count_of(seconds / 3600, "hour", "hours"),
        _ => count_of(seconds / 86_400, "day", "days"),
    }
}

/// A line with the first items, if there are any.
fn listed(title: &str, texts: Vec<String>) -> Option<String> {
    if texts.is_empty() {
        return None;
    }
    let more = texts.len().saturating_sub(MAX_ITEMS);
    let listed: Vec<_> = texts.into_iter().take(MAX_ITEMS).collect();
    let rest = if more > 0 {
        format!(", and {more} more")
    } else {
        String::new()
    };
    Some(format!("{title}: {}{rest}", listed.join(", ")))
}

fn count_of(count: u64, one: &str, several: &str) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), one, several)
}

#[expect(clippy::cast_precision_loss, reason = "Unix seconds have few digits")]
fn seconds(nanoseconds: u64) -> f64 {
    (nanoseconds / 1_000_000_000) as f64
}
