//! Requests excluded from learning, by reason. A caller that sends many different requests must not hide the other reasons.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::mem::{Discriminant, discriminant};

use peergate_insight::learning::observed::Tally;
use peergate_insight::learning::rule::{request_count, tally_text};
use peergate_insight::learning::workload::Exclusion;
use policy_schema::printable::printable;

/// The maximum number of lines per reason.
const MAX_PER_REASON: usize = 5;

/// Requests excluded for one reason, by the identity, rule or request that the reason names.
#[derive(Default)]
struct Group<'a> {
    all: Vec<(&'a Exclusion, Tally)>,
    count: u64,
}

/// One line per exclusion, the most frequent reason first.
pub(crate) fn lines(exclusions: &BTreeMap<Exclusion, Tally>) -> Vec<String> {
    let mut reasons: Vec<(Discriminant<Exclusion>, Group<'_>)> = Vec::new();
    for (why, tally) in exclusions {
        let reason = discriminant(why);
        let group = match reasons.last_mut() {
            // The map sorts exclusions by reason.
            Some((last, group)) if *last == reason => group,
            _ => {
                reasons.push((reason, Group::default()));
                let Some((_, group)) = reasons.last_mut() else {
                    continue;
                };
                group
            }
        };
        group.all.push((why, *tally));
        group.count = group.count.saturating_add(tally.count);
    }
    reasons.sort_by_key(|(_, group)| Reverse(group.count));
    let mut lines = Vec::new();
    for (_, Group { mut all, .. }) in reasons {
        all.sort_by_key(|(_, tally)| Reverse(tally.count));
        let (listed, more) = all.split_at(all.len().min(MAX_PER_REASON));
        lines.extend(listed.iter().map(|(why, tally)| line(why, *tally)));
        if let Some((why, _)) = more.first() {
            let count = more.iter().map(|(_, tally)| tally.count).sum();
            lines.push(format!(
                "{} for the same reason with {} more {}",
                request_count(count),
                more.len(),
                noun(why)
            ));
        }
    }
    lines
}

/// The plural of what a reason names.
fn noun(why: &Exclusion) -> &'static str {
    match why {
        Exclusion::Malformed(_) | Exclusion::Foreign(_) => "identities",
        Exclusion::DeniedByRule(_) => "rules",
        _ => "methods and paths",
    }
}

fn line(why: &Exclusion, tally: Tally) -> String {
    let requests = tally_text(tally);
    let line = match why {
        Exclusion::Anonymous => format!("{requests}: the caller had no identity"),
        Exclusion::Malformed(peer) => {
            format!("{requests}: `{peer}` is not the SPIFFE ID of a workload")
        }
        Exclusion::Foreign(id) => format!("{requests}: `{id}` is of a foreign trust domain"),
        Exclusion::Denied => format!("{requests}: denied"),
        Exclusion::Forbidden => format!("{requests}: allowed, but answered with 401 or 403"),
        Exclusion::Failed => format!("{requests}: answered with an error"),
        Exclusion::Unanswered => format!("{requests}: not answered"),
        Exclusion::Outbound => format!("{requests}: sent by the workload itself"),
        Exclusion::UndeterminedDirection => format!(
            "{requests}: no caller and no `upstream_cluster`, so possibly sent by the workload itself"
        ),
        Exclusion::Incomplete => format!("{requests}: no method or no path"),
        Exclusion::Unwritable(request) => {
            format!("{requests}: no rule can match `{request}` alone")
        }
        Exclusion::TooLong => format!("{requests}: the path or the method is too long"),
        Exclusion::DeniedByRule(rule) => format!("{requests}: denied by rule `{rule}`"),
        Exclusion::PastBound => {
            format!("{requests}: not counted individually, beyond `maxSeries` of the learning mode")
        }
        Exclusion::NoMeshIdentity => format!("{requests}: the caller had no identity of this mesh"),
    };
    printable(&line)
}

#[cfg(test)]
mod tests {
    use policy_schema::timestamp::Timestamp;

    use super::*;

    #[test]
    fn shows_every_reason_despite_a_flood_of_one() {
        let tally = |count| Tally {
            count,
            ..Tally::once(Timestamp::from_unix_nanoseconds(0))
        };
        let mut exclusions: BTreeMap<_, _> = (0..1000)
            .map(|number| {
                let id = format!("spiffe://evil{number}.example/ns/a/sa/b");
                (Exclusion::Foreign(id), tally(1 + u64::from(number == 7)))
            })
            .collect();
        exclusions.insert(Exclusion::Failed, tally(3));
        exclusions.insert(Exclusion::Denied, tally(2000));
        let lines = lines(&exclusions);
        assert_eq!(lines.len(), 8, "{lines:?}");
        assert!(lines[0].ends_with(": denied"), "{lines:?}");
        assert!(lines[1].contains("evil7."), "{lines:?}");
        assert_eq!(
            lines[6],
            "995 requests for the same reason with 995 more identities"
        );
        assert!(lines[7].ends_with("answered with an error"), "{lines:?}");
    }
}
