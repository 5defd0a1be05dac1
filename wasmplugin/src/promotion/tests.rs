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

fn seen(requests: u64, denied: &[u64]) -> Option<Seen> {
    let hits = denied.iter().map(|requests| Hits {
        rule: None,
        reason: "no-rule-matched".to_owned(),
        requests: *requests,
        before: 0,
    });
    Some(Seen {
        since: Timestamp::from_unix_nanoseconds(0),
        beginning: Beginning::Asked,
        requests,
        hits: hits.collect(),
        callers: None,
    })
}

#[test]
fn verdicts_follow_from_what_was_seen() {
    let standard = Standard {
        most: Share::parse("0.1%").unwrap(),
        confidence: Confidence::parse("95%").unwrap(),
    };
    let bound = |events, requests| upper_bound(events, requests, standard.confidence);
    let current = || Revisions::Current { since: None };
    let others = || Revisions::Others(vec!["ffffffffffff".to_owned()]);
    let would_deny = |denied, requests| Verdict::WouldDeny {
        requests: denied,
        share: Share::of(denied, requests),
        bound: bound(denied, requests),
    };
    let too_few = |requests, more| Verdict::TooFew {
        bound: bound(0, requests),
        more,
    };
    let unknown = Verdict::Unknown;
    let cases = [
        (
            "as many as are needed, none denied",
            rule(Effect::Deny),
            current(),
            seen(2995, &[]),
            Verdict::Ready {
                bound: bound(0, 2995),
            },
        ),
        (
            "one fewer",
            rule(Effect::Deny),
            current(),
            seen(2994, &[]),
            too_few(2994, 1),
        ),
        (
            "none at all",
            rule(Effect::Deny),
            current(),
            seen(0, &[]),
            too_few(0, 2995),
        ),
        (
            "one denied of very many",
            rule(Effect::Deny),
            current(),
            seen(10_000_000, &[1]),
            would_deny(1, 10_000_000),
        ),
        (
            "denied for several reasons",
            whole(&[], true),
            current(),
            seen(1000, &[7, 5]),
            would_deny(12, 1000),
        ),
        (
            "a policy, none denied",
            whole(&[], true),
            Revisions::Untold,
            seen(5000, &[]),
            Verdict::Ready {
                bound: bound(0, 5000),
            },
        ),
        (
            "a policy that shares workloads and denies the rest",
            whole(&["all"], true),
            current(),
            seen(5000, &[]),
            unknown(Unknown::Shared(vec![policy("all")])),
        ),
        (
            "a policy that shares workloads and passes the rest",
            whole(&["all"], false),
            current(),
            seen(5000, &[]),
            Verdict::Ready {
                bound: bound(0, 5000),
            },
        ),
        (
            "proxies with another revision",
            rule(Effect::Deny),
            others(),
            seen(5000, &[]),
            unknown(Unknown::OtherRevisions(vec!["ffffffffffff".to_owned()])),
        ),
        (
            "no proxy at all",
            rule(Effect::Deny),
            Revisions::Untold,
            None,
            unknown(Unknown::NotCounted),
        ),
        (
            "a rule that allows",
            rule(Effect::Allow),
            others(),
            None,
            Verdict::Harmless,
        ),
        (
            "a rule that records",
            rule(Effect::Audit),
            current(),
            seen(9, &[9]),
            Verdict::Harmless,
        ),
        (
            "a rule that asks another",
            rule(Effect::Custom),
            current(),
            seen(5000, &[]),
            unknown(Unknown::Provider),
        ),
    ];
    for (case, candidate, revisions, seen, expected) in cases {
        let evidence = Evidence { revisions, seen };
        let verdict = judge(&candidate, &evidence, standard);
        assert_eq!(verdict, expected, "{case}");
        let is_ready = matches!(expected, Verdict::Ready { .. } | Verdict::Harmless);
        assert_eq!(verdict.is_ready(), is_ready, "{case}");
    }
}

/// Each request is counted once: what a rule in shadow adds is told apart by its effect or by its name.
#[test]
fn matches_of_rules_in_shadow_are_no_requests() {
    let decisions = "peergate_decisions_total{peergate_policy=\"shop_orders\"";
    let of_rule = Selectors::new(&rule(Effect::Deny));
    assert_eq!(
        of_rule.requests,
        format!("{decisions},peergate_effect=~\"allow|deny\"}}")
    );
    let expected = format!("{decisions},peergate_rule=\"a\",peergate_effect=\"shadow_deny\"}}");
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
        format!("{decisions},peergate_rule=\"a\",peergate_effect=\"shadow_allow\"}}")
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
