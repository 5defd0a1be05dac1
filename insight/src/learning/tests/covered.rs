//! The share of eligible requests that learned rules cover.

use super::*;
use crate::learning::workload::Exclusion;

#[test]
fn coverage_counts_learned_and_eligible_requests() {
    let evidence = Thresholds {
        least_count: 3,
        ..EVIDENCE
    };
    let mut all = Workload::default();
    let known = |path: &str| {
        if path == "/known" {
            ExistingDecision::Allowed
        } else {
            ExistingDecision::Undecided
        }
    };
    for (observation, count) in [
        (seen(WEB, "GET", "/learned"), 5),
        (seen(WEB, "GET", "/known"), 4),
        (seen(WEB, "GET", "/rare"), 2),
        (seen(WEB, "GET", &"/1".repeat(1000)), 1),
        // Not eligible.
        (answered(404, seen(WEB, "GET", "/gone")), 7),
        (answered(403, seen(WEB, "GET", "/forbidden")), 7),
        (denied(seen(WEB, "GET", "/denied")), 7),
        (seen("", "GET", "/anonymous"), 7),
    ] {
        let tally = Tally {
            count,
            ..observation.tally
        };
        let observation = Observation {
            tally,
            ..observation
        };
        all.add(&observation, &domains(), ALL, |seen| {
            known(seen.path.as_deref().unwrap_or_default())
        });
    }
    let coverage = Proposals::new(&all, evidence, &[]).coverage;
    assert_eq!((coverage.covered, coverage.eligible), (9, 12));
}

#[test]
fn coverage_of_a_draft_counts_the_calls_that_it_allows() {
    let mut all =
        workload(["/a", "/a", "/rare", "/a/x*", "/b c", "/b c"].map(|path| seen(WEB, "GET", path)));
    let covered = all.cover(|call| matches!(call.path.as_str(), "/a" | "/a/x*"));
    assert_eq!((covered, all.eligible), (3, 6));
    let unwritable = Exclusion::Unwritable("GET /b c".to_owned());
    let aside: Vec<_> = all.excluded.iter().collect();
    assert_eq!(aside.len(), 1);
    assert_eq!(*aside[0].0, unwritable);
    assert_eq!(aside[0].1.count, 2);
}
