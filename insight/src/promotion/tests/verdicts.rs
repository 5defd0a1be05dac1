//! Verdicts from counters.

use super::*;
use crate::promotion::bound::upper_bound;
use crate::promotion::coverage::Gap;
use crate::promotion::verdict::Unknown;

#[test]
fn derives_the_verdict_from_the_counts() {
    let bound = |events, requests| upper_bound(events, requests, standard().confidence);
    let ready = |requests| Verdict::Ready {
        bound: bound(0, requests),
    };
    let would_deny = |denied, requests| Verdict::WouldDeny {
        requests: denied,
        share: Share::from_counts(denied, requests),
        bound: bound(denied, requests),
    };
    let too_few = |requests, more| Verdict::TooFew {
        bound: bound(0, requests),
        more,
    };
    let cases: [(&str, u64, &[u64], Verdict); 6] = [
        ("as many as are needed", 2995, &[], ready(2995)),
        ("one fewer", 2994, &[], too_few(2994, 1)),
        ("none at all", 0, &[], too_few(0, 2995)),
        (
            "one denied of many",
            10_000_000,
            &[1],
            would_deny(1, 10_000_000),
        ),
        ("for several reasons", 1000, &[7, 5], would_deny(12, 1000)),
        ("more denied than seen", 0, &[4], would_deny(4, 0)),
    ];
    for (case, requests, denied, expected) in cases {
        for candidate in [rule(Effect::Deny), whole(&[])] {
            let seen = Ok(seen(requests, denied));
            assert_eq!(judged(&candidate, current(), seen), expected, "{case}");
        }
    }
}

#[test]
fn does_not_judge_candidates_that_counters_do_not_cover() {
    let others = || Revisions::Others(vec!["ffffffffffff".to_owned()]);
    let plenty = || Ok(seen(5000, &[]));
    let nothing = || Err(vec![policy("orders")]);
    let ready = Verdict::Ready {
        bound: upper_bound(0, 5000, standard().confidence),
    };
    let unknown = Verdict::Unknown;
    let shared = || unknown(Unknown::Shared(vec![policy("all")]));
    let stale = || unknown(Unknown::OtherRevisions(vec!["ffffffffffff".to_owned()]));
    let provider = unknown(Unknown::Provider);
    let cases = [
        (whole(&["all"]), current(), plenty(), shared()),
        (whole(&[]), current(), plenty(), ready.clone()),
        (rule(Effect::Deny), Revisions::Unreported, plenty(), ready),
        (rule(Effect::Deny), others(), plenty(), stale()),
        (
            rule(Effect::Deny),
            Revisions::Unreported,
            nothing(),
            unknown(Unknown::NotCounted(vec![policy("orders")])),
        ),
        (rule(Effect::Allow), others(), nothing(), Verdict::Harmless),
        (
            rule(Effect::Audit),
            current(),
            Ok(seen(9, &[9])),
            Verdict::Harmless,
        ),
        (rule(Effect::Custom), current(), plenty(), provider),
    ];
    for (candidate, revisions, seen, expected) in cases {
        let verdict = judged(&candidate, revisions, seen);
        assert_eq!(verdict, expected, "{candidate:?}");
    }
}

#[test]
fn a_candidate_without_samples_is_not_ready() {
    let at = Timestamp::from_unix_nanoseconds(9_000_000_000);
    let bound = |events, requests| upper_bound(events, requests, standard().confidence);
    let gap = Gap {
        length: Duration::from_hours(72),
        last: at,
        wait: Duration::from_hours(120),
    };
    let judge = |ended, gap, missing, denied: &[u64]| {
        let seen = Seen {
            coverage: Coverage { ended, gap },
            missing,
            ..seen(5000, denied)
        };
        judged(&rule(Effect::Deny), current(), Ok(seen))
    };
    let not_scraped = Verdict::NotScraped {
        bound: bound(0, 5000),
        since: at,
    };
    let too_short = |wait| Verdict::TooShort {
        bound: bound(0, 5000),
        wait,
        gap: Some(gap),
        more: 0,
    };
    let hours = Duration::from_hours;
    assert_eq!(judge(Some(at), None, hours(0), &[]), not_scraped);
    assert_eq!(judge(Some(at), Some(gap), hours(1), &[]), not_scraped);
    assert_eq!(judge(None, Some(gap), hours(0), &[]), too_short(hours(120)));
    assert_eq!(
        judge(None, Some(gap), hours(140), &[]),
        too_short(hours(140))
    );
    // Counted denials are known despite the gap.
    for (ended, gap) in [(Some(at), None), (None, Some(gap))] {
        let verdict = judge(ended, gap, hours(0), &[1]);
        assert!(matches!(verdict, Verdict::WouldDeny { .. }), "{verdict:?}");
    }
}
