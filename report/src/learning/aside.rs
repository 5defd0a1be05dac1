//! What was not learnt from, by reason: who sends many different things must not push out the rest.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::mem::{Discriminant, discriminant};

use peergate_insight::learning::observed::Tally;
use peergate_insight::learning::rule::{requests, told};
use peergate_insight::learning::workload::SetAside;
use policy_schema::printable::printable;

/// More of one reason are not told one by one.
const MOST_OF_A_REASON: usize = 5;

/// Requests that were set aside for one reason, by what the reason names.
#[derive(Default)]
struct Alike<'a> {
    all: Vec<(&'a SetAside, Tally)>,
    count: u64,
}

/// The most frequent first.
pub(crate) fn lines(aside: &BTreeMap<SetAside, Tally>) -> Vec<String> {
    let mut reasons: Vec<(Discriminant<SetAside>, Alike<'_>)> = Vec::new();
    for (why, tally) in aside {
        let reason = discriminant(why);
        let alike = match reasons.last_mut() {
            // Those of one reason follow each other.
            Some((last, alike)) if *last == reason => alike,
            _ => {
                reasons.push((reason, Alike::default()));
                let Some((_, alike)) = reasons.last_mut() else {
                    continue;
                };
                alike
            }
        };
        alike.all.push((why, *tally));
        alike.count = alike.count.saturating_add(tally.count);
    }
    reasons.sort_by_key(|(_, alike)| Reverse(alike.count));
    let mut lines = Vec::new();
    for (_, Alike { mut all, .. }) in reasons {
        all.sort_by_key(|(_, tally)| Reverse(tally.count));
        let (told, more) = all.split_at(all.len().min(MOST_OF_A_REASON));
        lines.extend(told.iter().map(|(why, tally)| line(why, *tally)));
        if let Some((why, _)) = more.first() {
            let count = more.iter().map(|(_, tally)| tally.count).sum();
            lines.push(format!(
                "{} for the same reason with {} more {}",
                requests(count),
                more.len(),
                named(why)
            ));
        }
    }
    lines
}

/// What a reason names, of which there may be any number.
fn named(why: &SetAside) -> &'static str {
    match why {
        SetAside::Malformed(_) | SetAside::Foreign(_) => "identities",
        SetAside::Refused(_) => "rules",
        _ => "methods and paths",
    }
}

fn line(why: &SetAside, tally: Tally) -> String {
    let told = told(tally);
    let line = match why {
        SetAside::Anonymous => format!("{told}: the caller had no identity"),
        SetAside::Malformed(peer) => {
            format!("{told}: `{peer}` is not one SPIFFE ID of a workload")
        }
        SetAside::Foreign(id) => format!("{told}: the trust domain of `{id}` is not the mesh's"),
        SetAside::Denied => format!("{told}: denied"),
        SetAside::Forbidden => format!("{told}: let through and answered with 401 or 403"),
        SetAside::Failed => format!("{told}: answered with an error"),
        SetAside::Unanswered => format!("{told}: not answered"),
        SetAside::Outbound => format!("{told}: the workload itself made it"),
        SetAside::EitherWay => format!(
            "{told}: no caller and no `upstream_cluster`, so the workload itself may have made it"
        ),
        SetAside::Incomplete => format!("{told}: without a method or a path"),
        SetAside::Unwritable(request) => {
            format!("{told}: no rule can take `{request}` and nothing else")
        }
        SetAside::TooLong => format!("{told}: the path or the method is too long to be learnt"),
        SetAside::Refused(rule) => format!("{told}: the rule `{rule}` denies it"),
        SetAside::PastBound => {
            format!("{told}: not told apart, past `maxSeries` of the learning mode")
        }
        SetAside::Nobody => format!("{told}: the caller had no identity of the mesh"),
    };
    printable(&line)
}

#[cfg(test)]
mod tests {
    use policy_schema::timestamp::Timestamp;

    use super::*;

    #[test]
    fn a_flood_of_one_reason_hides_no_other() {
        let tally = |count| Tally {
            count,
            ..Tally::once(Timestamp::from_unix_nanoseconds(0))
        };
        let mut aside: BTreeMap<_, _> = (0..1000)
            .map(|number| {
                let id = format!("spiffe://evil{number}.example/ns/a/sa/b");
                (SetAside::Foreign(id), tally(1 + u64::from(number == 7)))
            })
            .collect();
        aside.insert(SetAside::Failed, tally(3));
        aside.insert(SetAside::Denied, tally(2000));
        let lines = lines(&aside);
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
