//! Limits of path lengths and memory.

use peergate_fuzz::peak_memory;

use super::*;
use crate::learning::workload::Exclusion;

#[test]
fn does_not_learn_too_long_paths_or_methods() {
    for (method, path, is_learned) in [
        ("GET", "/".to_owned() + &"a".repeat(1_023), true),
        ("GET", "/".to_owned() + &"a".repeat(1_024), false),
        ("GET", "/a".repeat(32), true),
        ("GET", "/a".repeat(33), false),
        ("GET", "/".repeat(33), false),
        ("GET", "/1".repeat(30_000), false),
        (&*"M".repeat(64), "/a".to_owned(), true),
        (&*"M".repeat(65), "/a".to_owned(), false),
    ] {
        let workload = workload([seen(WEB, method, &path)]);
        assert_eq!(workload.calls.len(), usize::from(is_learned), "{path}");
        let is_aside = workload.excluded.contains_key(&Exclusion::TooLong);
        assert_eq!(is_aside, !is_learned, "{path}");
    }
}

#[test]
fn a_too_long_path_prevents_a_template_that_matches_it() {
    let long_id = "/orders/".to_owned() + &"7".repeat(2_000);
    let ids = ["/orders/1", "/orders/2", "/orders/3"];
    let learned = |more: Observation| {
        let observations = ids.map(|path| seen(WEB, "GET", path));
        let workload = workload(observations.into_iter().chain([more]));
        learned_paths(&Proposals::new(&workload, EVIDENCE, &[]))
    };
    assert_eq!(
        learned(seen(WEB, "GET", "/other")),
        ["/orders/{*}", "/other"]
    );
    assert_eq!(learned(denied(seen(WEB, "GET", &long_id))), ids);
    let word_in_place = "/orders/export/".to_owned() + &"a".repeat(2_000);
    assert_eq!(learned(seen(WEB, "GET", &word_in_place)), ids);
}

#[test]
fn bounds_the_memory_of_a_long_line() {
    let paths = [
        "/1".repeat(30_000),
        "/ab".repeat(20_000),
        "/".repeat(60_000),
        "/".to_owned() + &"a".repeat(60_000),
    ];
    for path in paths {
        for outcome in [
            Outcome::Answered(200),
            Outcome::Answered(403),
            Outcome::Denied,
        ] {
            let observation = Observation {
                outcome,
                ..seen(WEB, "GET", &path)
            };
            let memory = peak_memory(|| {
                Proposals::new(&workload([observation]), EVIDENCE, &[]);
            });
            assert!(
                memory < 500_000,
                "{memory} bytes for {outcome:?} of {}",
                path.get(..10).unwrap()
            );
        }
    }
}
