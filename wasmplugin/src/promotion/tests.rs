//! Which requests are counted for what, and what follows.

use std::collections::BTreeSet;

use policy_schema::plugin_config::PolicyName;
use policy_schema::rule_spec::Effect;
use policy_schema::timestamp::Timestamp;

use super::bound::{Confidence, Share, upper_bound};
use super::candidate::{Candidate, Subject};
use super::counting::Window;
use super::evidence::{Beginning, Evidence, Hits, Seen, Selectors, Windows};
use super::revisions::Revisions;
use super::verdict::{Standard, Unknown, Verdict, judge};

fn policy(name: &str) -> PolicyName {
    PolicyName {
        namespace: "shop".to_owned(),
        name: name.to_owned(),
    }
}

fn candidate(subject: Subject) -> Candidate {
    Candidate {
        policy: policy("orders"),
        revision: "0123456789ab".to_owned(),
        is_policy_in_shadow: matches!(subject, Subject::Policy { .. }),
        rules_in_shadow: BTreeSet::new(),
        subject,
    }
}

fn rule(effect: Effect) -> Candidate {
    candidate(Subject::Rule {
        id: "a".to_owned(),
        effect,
        owner: None,
    })
}

fn whole(others: &[&str], denies_the_rest: bool) -> Candidate {
    candidate(Subject::Policy {
        others: others.iter().map(|name| policy(name)).collect(),
        denies_the_rest,
    })
}

fn seen(requests: u64, denied: &[u64]) -> Seen {
    let hits = denied.iter().map(|requests| Hits {
        rule: None,
        reason: "no-rule-matched".to_owned(),
        requests: *requests,
        before: 0,
    });
    Seen {
        since: Timestamp::from_unix_nanoseconds(0),
        beginning: Beginning::Asked,
        requests,
        hits: hits.collect(),
        callers: None,
    }
}

fn standard() -> Standard {
    Standard {
        most: Share::parse("0.1%").unwrap(),
        confidence: Confidence::parse("95%").unwrap(),
    }
}

fn current() -> Revisions {
    Revisions::Current { since: None }
}

fn judged(candidate: &Candidate, revisions: Revisions, seen: Option<Seen>) -> Verdict {
    let verdict = judge(candidate, &Evidence { revisions, seen }, standard());
    let is_ready = matches!(verdict, Verdict::Ready { .. } | Verdict::Harmless);
    assert_eq!(verdict.is_ready(), is_ready);
    verdict
}

#[test]
fn a_verdict_follows_from_the_numbers() {
    let bound = |events, requests| upper_bound(events, requests, standard().confidence);
    let ready = |requests| Verdict::Ready {
        bound: bound(0, requests),
    };
    let would_deny = |denied, requests| Verdict::WouldDeny {
        requests: denied,
        share: Share::of(denied, requests),
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
        for candidate in [rule(Effect::Deny), whole(&[], true)] {
            let seen = Some(seen(requests, denied));
            assert_eq!(judged(&candidate, current(), seen), expected, "{case}");
        }
    }
}

#[test]
fn what_counters_cannot_tell_is_not_judged_by_them() {
    let others = || Revisions::Others(vec!["ffffffffffff".to_owned()]);
    let plenty = || Some(seen(5000, &[]));
    let ready = Verdict::Ready {
        bound: upper_bound(0, 5000, standard().confidence),
    };
    let unknown = Verdict::Unknown;
    let shared = || unknown(Unknown::Shared(vec![policy("all")]));
    let stale = || unknown(Unknown::OtherRevisions(vec!["ffffffffffff".to_owned()]));
    let provider = unknown(Unknown::Provider);
    let cases = [
        (whole(&["all"], true), current(), plenty(), shared()),
        (whole(&["all"], false), current(), plenty(), ready.clone()),
        (rule(Effect::Deny), Revisions::Untold, plenty(), ready),
        (rule(Effect::Deny), others(), plenty(), stale()),
        (
            rule(Effect::Deny),
            Revisions::Untold,
            None,
            unknown(Unknown::NotCounted),
        ),
        (rule(Effect::Allow), others(), None, Verdict::Harmless),
        (
            rule(Effect::Audit),
            current(),
            Some(seen(9, &[9])),
            Verdict::Harmless,
        ),
        (rule(Effect::Custom), current(), plenty(), provider),
    ];
    for (candidate, revisions, seen, expected) in cases {
        let verdict = judged(&candidate, revisions, seen);
        assert_eq!(verdict, expected, "{candidate:?}");
    }
}

/// Each request is counted once: what a rule in shadow adds is told apart by its effect or by its name.
#[test]
fn matches_of_rules_in_shadow_are_no_requests() {
    let decisions = "peergate_decisions_total{peergate_policy=~\"shop_orders\"";
    let of_rule = Selectors::new(&rule(Effect::Deny));
    assert_eq!(
        of_rule.requests,
        format!("{decisions},peergate_effect=~\"allow|deny\"}}")
    );
    let expected = format!("{decisions},peergate_rule=~\"a\",peergate_effect=\"shadow_deny\"}}");
    assert_eq!((&of_rule.hits, &of_rule.present), (&expected, &expected));

    let mut policy = whole(&[], true);
    policy.rules_in_shadow = ["a", "b"].map(str::to_owned).into();
    let of_policy = Selectors::new(&policy);
    assert_eq!(
        of_policy.requests,
        format!(
            "{decisions},peergate_effect=~\"shadow_allow|shadow_deny\",peergate_rule!~\"a|b\"}}"
        )
    );
    assert_eq!(
        of_policy.hits,
        format!("{decisions},peergate_effect=\"shadow_deny\",peergate_rule!~\"a|b\"}}")
    );

    let mut rule_of_it = rule(Effect::Allow);
    rule_of_it.is_policy_in_shadow = true;
    rule_of_it.rules_in_shadow = ["a"].map(str::to_owned).into();
    let of_rule = Selectors::new(&rule_of_it);
    assert_eq!(
        of_rule.requests,
        format!("{decisions},peergate_effect=~\"shadow_allow|shadow_deny\",peergate_rule!~\"a\"}}")
    );
    assert_eq!(
        of_rule.hits,
        format!("{decisions},peergate_rule=~\"a\",peergate_effect=\"shadow_allow\"}}")
    );
}

/// Of moments that are known roughly, the one is taken that speaks against enforcing.
#[test]
fn requests_count_late_and_denials_count_early() {
    let second = |second: u64| Timestamp::from_unix_nanoseconds(second * 1_000_000_000);
    let window = |from| Window {
        from,
        until: second(6000),
    };
    // Looks are two seconds apart.
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
            Beginning::Asked,
        ),
        (
            "first seen later",
            5500,
            Revisions::Untold,
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
    }
}
