//! Observations that are not learned from, and why.

use std::collections::BTreeMap;

use super::*;
use crate::learning::proposal::Rarity;
use crate::learning::workload::Exclusion;

#[test]
fn sets_rare_calls_apart() {
    let evidence = Thresholds {
        least_count: 3,
        least_span: 10,
        ..EVIDENCE
    };
    let often = (0..100).map(|second| seen_at(second, WEB, "GET", "/often"));
    let few = [5, 95].map(|second| seen_at(second, WEB, "GET", "/few"));
    let brief = (50..55).map(|second| seen_at(second, WEB, "GET", "/brief"));
    let proposals = Proposals::new(&workload(often.chain(few).chain(brief)), evidence, &[]);
    assert_eq!(learned_paths(&proposals), ["/often"]);
    let rare = proposals.rare.iter();
    let rare: Vec<_> = rare
        .map(|call| (call.pattern.text.as_str(), call.rarity))
        .collect();
    assert_eq!(
        rare,
        [("/brief", Some(Rarity::Brief)), ("/few", Some(Rarity::Few)),]
    );
    let taken = Thresholds {
        takes_rare: true,
        ..evidence
    };
    let often = (0..100).map(|second| seen_at(second, WEB, "GET", "/often"));
    let few = [seen_at(5, WEB, "GET", "/few")];
    let proposals = Proposals::new(&workload(often.chain(few)), taken, &[]);
    assert_eq!(learned_paths(&proposals), ["/few", "/often"]);
}

#[test]
fn excludes_unusable_observations_with_a_reason() {
    let failed = Observation {
        outcome: Outcome::Answered(404),
        ..seen(WEB, "GET", "/x")
    };
    let unanswered = Observation {
        outcome: Outcome::Unanswered,
        ..seen(WEB, "GET", "/x")
    };
    let without_path = Observation {
        path: None,
        ..seen(WEB, "CONNECT", "/x")
    };
    let foreign = "spiffe://elsewhere.example/ns/shop/sa/web";
    for (observation, reason) in [
        (seen("", "GET", "/x"), Exclusion::Anonymous),
        (
            seen("web", "GET", "/x"),
            Exclusion::Malformed("web".to_owned()),
        ),
        (
            seen(foreign, "GET", "/x"),
            Exclusion::Foreign(foreign.to_owned()),
        ),
        (denied(seen(WEB, "GET", "/x")), Exclusion::Denied),
        (failed, Exclusion::Failed),
        (unanswered, Exclusion::Unanswered),
        (without_path, Exclusion::Incomplete),
        (
            seen(WEB, "GET", "/x*"),
            Exclusion::Unwritable("GET /x*".to_owned()),
        ),
        (
            seen(WEB, "GET", "*"),
            Exclusion::Unwritable("GET *".to_owned()),
        ),
        (
            seen(WEB, "GET", "/{*}"),
            Exclusion::Unwritable("GET /{*}".to_owned()),
        ),
        (
            seen(WEB, "GET", "/a b"),
            Exclusion::Unwritable("GET /a b".to_owned()),
        ),
        (
            seen(WEB, "*", "/x"),
            Exclusion::Unwritable("* /x".to_owned()),
        ),
        (
            seen(WEB, "get", "/x"),
            Exclusion::Unwritable("get /x".to_owned()),
        ),
    ] {
        let workload = workload([observation]);
        assert_eq!(workload.calls, BTreeMap::new(), "{reason:?}");
        assert_eq!(workload.excluded.keys().collect::<Vec<_>>(), [&reason]);
    }
}

#[test]
fn learns_anonymous_callers_and_denied_requests_on_demand() {
    let counting = Counting {
        takes_denied: true,
        takes_anonymous: true,
        ..ALL
    };
    let mut workload = Workload::default();
    for observation in [seen("", "GET", "/health"), denied(seen(WEB, "GET", "/x"))] {
        workload.add(&observation, &domains(), counting, |_| {
            ExistingDecision::Undecided
        });
    }
    let policy = compiled(rules(&Proposals::new(&workload, EVIDENCE, &[])));
    assert!(allows(&policy, "", "GET", "/health"));
    assert!(!allows(&policy, WEB, "GET", "/health"));
    assert!(allows(&policy, WEB, "GET", "/x"));
    assert!(!allows(&policy, "", "GET", "/x"));
}

#[test]
fn counts_allowed_calls_and_never_learns_calls_that_a_rule_denies() {
    let mut workload = Workload::default();
    for (path, existing_decision) in [
        ("/known", ExistingDecision::Allowed),
        ("/shadow", ExistingDecision::AllowedInShadow),
        ("/denied", ExistingDecision::Denied("no-admin".to_owned())),
        ("/new", ExistingDecision::Undecided),
    ] {
        workload.add(&seen(WEB, "GET", path), &domains(), ALL, |_| {
            existing_decision
        });
    }
    assert_eq!(
        (workload.already_allowed, workload.allowed_in_shadow),
        (1, 1)
    );
    let paths: Vec<_> = workload.calls.keys().map(|call| &call.path).collect();
    assert_eq!(paths, ["/new"]);
    let refused = Exclusion::DeniedByRule("no-admin".to_owned());
    assert_eq!(workload.excluded.keys().collect::<Vec<_>>(), [&refused]);
}
