//! Requests that were denied or refused.

use super::*;
use crate::learning::path_folding::HeldBackReason;
use crate::learning::workload::Exclusion;

#[test]
fn requests_refused_by_the_workload_are_no_evidence() {
    let forbidden = |path: &str, status| Observation {
        outcome: Outcome::Answered(status),
        ..seen(WEB, "GET", path)
    };
    // No evidence for a template.
    let few = ["/orders/1", "/orders/2"].map(|path| seen(WEB, "GET", path));
    let refused = [forbidden("/orders/3", 401), forbidden("/orders/4", 403)];
    let all = workload(few.into_iter().chain(refused.clone()));
    assert_eq!(all.excluded[&Exclusion::Forbidden].count, 2);
    let learned = learned_paths(&Proposals::new(&all, EVIDENCE, &[]));
    assert_eq!(learned, ["/orders/1", "/orders/2"]);
    // No evidence against one. The template reports how many such paths it matches, except those allowed later.
    let enough = ["/orders/1", "/orders/2", "/orders/5"].map(|path| seen(WEB, "GET", path));
    let others = [
        forbidden("/orders/5", 401),
        forbidden("/elsewhere", 403),
        Observation {
            outcome: Outcome::Answered(403),
            ..seen(ADS, "GET", "/orders/6")
        },
    ];
    let all = workload(enough.into_iter().chain(refused).chain(others));
    let proposals = Proposals::new(&all, EVIDENCE, &[]);
    assert_eq!(learned_paths(&proposals), ["/orders/{*}"]);
    let call = proposals.learned.into_values().flatten().next().unwrap();
    let paths = call.pattern.forbidden.unwrap();
    assert_eq!((paths.count, paths.example.as_str()), (2, "/orders/3"));
    assert_eq!(call.tally.count, 3);
}

#[test]
fn requests_denied_by_other_filters_are_no_evidence() {
    let ids = ["/orders/1", "/orders/2", "/orders/3"].map(|path| seen(WEB, "GET", path));
    let refused = Observation {
        outcome: Outcome::DeniedByOtherFilter,
        ..seen(WEB, "GET", "/orders/4")
    };
    let all = workload(ids.into_iter().chain([refused]));
    assert_eq!(all.excluded[&Exclusion::Denied].count, 1);
    let proposals = Proposals::new(&all, EVIDENCE, &[]);
    assert_eq!(learned_paths(&proposals), ["/orders/{*}"]);
    let call = proposals.learned.into_values().flatten().next().unwrap();
    assert_eq!(call.pattern.forbidden.unwrap().example, "/orders/4");
    assert_eq!(call.tally.count, 3);
}

/// If another request to the same path was allowed, the path is not the reason for the denial.
#[test]
fn a_path_denied_no_more_often_than_allowed_does_not_prevent_a_template() {
    let ids = ["/orders/1", "/orders/2", "/orders/3"].map(|path| seen(WEB, "GET", path));
    let with = |let_through: usize, denials: usize| {
        let request = seen(WEB, "GET", "/orders/4");
        let let_through = std::iter::repeat_n(request.clone(), let_through);
        let denials = std::iter::repeat_n(denied(request), denials);
        let all = ids.iter().cloned().chain(let_through).chain(denials);
        let proposals = Proposals::new(&workload(all), EVIDENCE, &[]);
        learned_paths(&proposals) == ["/orders/{*}"]
    };
    for (let_through, denials, is_template) in [
        (1, 1, true),
        (5, 1, true),
        (1, 2, false),
        (0, 1, false),
        (0, 50, false),
    ] {
        let found = with(let_through, denials);
        assert_eq!(found, is_template, "{let_through} and {denials}");
    }
}

/// The `Deny` rule still denies the path that the template matches.
#[test]
fn a_path_that_a_deny_rule_matches_does_not_prevent_a_template() {
    let admin = seen(WEB, "GET", "/orders/admin");
    for (existing_decision, is_template) in [
        (ExistingDecision::Denied("no-admin".to_owned()), true),
        (
            ExistingDecision::DeniedEarlier("no-admin".to_owned()),
            false,
        ),
    ] {
        for refused in [admin.clone(), denied(admin.clone())] {
            let mut all = workload([1, 2, 3].map(|id| seen(WEB, "GET", &format!("/orders/{id}"))));
            for _ in 0..9 {
                all.add(&refused, &domains(), ALL, |_| existing_decision.clone());
            }
            let proposals = Proposals::new(&all, EVIDENCE, &[]);
            let paths = learned_paths(&proposals);
            assert_eq!(
                paths == ["/orders/{*}"],
                is_template,
                "{existing_decision:?}"
            );
            assert!(!paths.contains(&"/orders/admin".to_owned()));
        }
    }
}

/// The template would not newly allow this path.
#[test]
fn a_denied_path_that_is_now_allowed_does_not_prevent_a_template() {
    let mut all = workload([1, 2, 3].map(|id| seen(WEB, "GET", &format!("/orders/{id}"))));
    all.add(
        &denied(seen(WEB, "GET", "/orders/4")),
        &domains(),
        ALL,
        |_| ExistingDecision::Allowed,
    );
    let proposals = Proposals::new(&all, EVIDENCE, &[]);
    assert_eq!(learned_paths(&proposals), ["/orders/{*}"]);
}

#[test]
fn a_template_never_matches_a_denied_path_of_the_caller() {
    let ids = ["/orders/1", "/orders/2", "/orders/3"].map(|path| seen(WEB, "GET", path));
    let with = |other: Observation| {
        let all = ids.iter().cloned().chain([denied(other)]);
        Proposals::new(&workload(all), EVIDENCE, &[])
    };
    let proposals = with(seen(WEB, "GET", "/orders/4"));
    assert_eq!(
        learned_paths(&proposals),
        ["/orders/1", "/orders/2", "/orders/3"]
    );
    let because = &proposals.held_back.first().unwrap().because;
    assert_eq!(*because, HeldBackReason::Denied("/orders/4".to_owned()));
    // Denials of other callers or methods do not matter.
    for other in [seen(ADS, "GET", "/orders/4"), seen(WEB, "PUT", "/orders/4")] {
        assert_eq!(learned_paths(&with(other)), ["/orders/{*}"]);
    }
}
