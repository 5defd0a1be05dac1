//! Counting windows, and rules that begin or end in them.

use super::*;
use crate::promotion::bound::upper_bound;
use crate::promotion::candidate::MemberRule;
use crate::promotion::evidence::Windows;
use crate::promotion::schedule::{Scheduled, scheduled};
use crate::promotion::verdict::NotInForce;

#[test]
fn a_candidate_not_counted_for_the_whole_window_waits() {
    let rule = &rule(Effect::Deny);
    let wait = Duration::from_mins(10_077);
    let judge = |requests, denied: &[u64]| {
        let seen = Seen {
            beginning: Beginning::FirstSeen,
            missing: wait,
            ..seen(requests, denied)
        };
        judged(rule, current(), Ok(seen))
    };
    let too_short = |requests, more| Verdict::TooShort {
        bound: upper_bound(0, requests, standard().confidence),
        wait,
        gap: None,
        more,
    };
    assert_eq!(judge(3201, &[]), too_short(3201, 0));
    assert_eq!(judge(10, &[]), too_short(10, 2985));
    // A denial counts even in a short window.
    assert!(matches!(judge(3201, &[1]), Verdict::WouldDeny { .. }));
}

/// If a moment is only known approximately, the more cautious bound applies.
#[test]
fn requests_count_late_and_denials_count_early() {
    let window = |from| Window {
        from,
        until: second(6000),
    };
    // Samples are two seconds apart.
    let asked = window(second(5000));
    let before =
        |at: Timestamp| Timestamp::from_unix_nanoseconds(at.unix_nanoseconds() - 1_000_000);
    let current = |since: Option<u64>| Revisions::Current {
        since: since.map(second),
    };
    let cases = [
        (
            "there from the beginning",
            5002,
            current(None),
            [second(5000), second(5000)],
            Beginning::Requested,
        ),
        (
            "first seen later",
            5500,
            Revisions::Unreported,
            [before(second(5500)), second(5000)],
            Beginning::FirstSeen,
        ),
        (
            "another revision until later",
            5002,
            current(Some(5700)),
            [second(5702), second(5700)],
            Beginning::Revised,
        ),
        (
            "another revision before it was first seen",
            5500,
            current(Some(5400)),
            [before(second(5500)), second(5000)],
            Beginning::FirstSeen,
        ),
        (
            "another revision until now",
            5002,
            current(Some(6000)),
            [second(6000), second(6000)],
            Beginning::Revised,
        ),
    ];
    for (case, first_seen, revisions, [of_requests, of_hits], beginning) in cases {
        let expected = Windows {
            of_requests: window(of_requests),
            of_hits: window(of_hits),
            beginning,
        };
        let windows = Windows::new(asked, second(first_seen), &revisions);
        assert_eq!(windows, expected, "{case}");
        let missing = of_requests.unix_nanoseconds() - asked.from.unix_nanoseconds();
        assert_eq!(
            windows.missing(asked),
            Duration::from_nanos(missing),
            "{case}"
        );
    }
}

fn between(not_before: Option<u64>, not_after: Option<u64>) -> Validity {
    Validity {
        not_before: not_before.map(second),
        not_after: not_after.map(second),
    }
}

/// Zero denials prove nothing about a rule that was not in force.
#[test]
fn a_rule_not_in_force_for_the_whole_window_is_not_ready() {
    let begins = |at| Some(NotInForce::Begins(second(at)));
    let ended = |at| Some(NotInForce::Ended(second(at)));
    for (not_before, not_after, expected) in [
        (None, None, None),
        (Some(1000), Some(2001), None),
        (Some(1001), None, begins(1001)),
        (Some(2500), None, begins(2500)),
        (None, Some(2000), ended(2000)),
        (None, Some(10), ended(10)),
        (Some(1500), Some(1600), ended(1600)),
    ] {
        for effect in [Effect::Deny, Effect::Allow, Effect::Audit] {
            let mut candidate = rule(effect);
            if let Subject::Rule { validity, .. } = &mut candidate.subject {
                *validity = between(not_before, not_after);
            }
            let verdict = judged(&candidate, current(), Ok(seen(5000, &[])));
            match expected {
                Some(reason) => assert_eq!(verdict, Verdict::NotInForce(reason)),
                None => assert!(verdict.is_ready(), "{verdict:?}"),
            }
        }
    }
}

#[test]
fn reports_rules_that_begin_or_end_soon() {
    let allow_ends = |rule: &str, at, is_last| Scheduled::AllowEnds {
        rule: rule.to_owned(),
        at: second(at),
        is_last,
    };
    let deny_begins = |at| Scheduled::DenyBegins {
        rule: "d".to_owned(),
        at: second(at),
    };
    let (allow, deny) = (Effect::Allow, Effect::Deny);
    let cases = [
        (vec![("a", allow, between(None, None))], vec![]),
        (
            vec![("a", allow, between(None, Some(2001)))],
            vec![allow_ends("a", 2001, true)],
        ),
        (
            vec![
                ("a", allow, between(None, Some(2500))),
                ("b", allow, between(None, Some(3000))),
            ],
            vec![allow_ends("a", 2500, false), allow_ends("b", 3000, true)],
        ),
        (
            vec![
                ("a", allow, between(None, Some(2500))),
                ("b", allow, between(None, None)),
            ],
            vec![allow_ends("a", 2500, false)],
        ),
        (vec![("a", allow, between(None, Some(3001)))], vec![]),
        (vec![("a", allow, between(None, Some(2000)))], vec![]),
        (vec![("d", deny, between(Some(1000), None))], vec![]),
        (
            vec![("d", deny, between(Some(1500), None))],
            vec![deny_begins(1500)],
        ),
        (
            vec![("d", deny, between(Some(9000), None))],
            vec![deny_begins(9000)],
        ),
        (vec![("d", deny, between(Some(1500), Some(1600)))], vec![]),
    ];
    for (rules, expected) in cases {
        let mut candidate = whole(&[]);
        let rules = rules.into_iter().map(|(id, effect, validity)| MemberRule {
            id: id.to_owned(),
            effect,
            validity,
        });
        candidate.members[0].rules = rules.collect();
        assert_eq!(scheduled(&candidate, window()), expected, "{candidate:?}");
    }
}
