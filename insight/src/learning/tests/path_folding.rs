//! Which paths become a template, and which stay as they are.

use super::*;
use crate::learning::path_folding::HeldBackReason;

#[test]
fn ids_are_folded_with_evidence_only() {
    for (paths, learned) in [
        (
            &["/orders/1", "/orders/2", "/orders/3"][..],
            &["/orders/{*}"][..],
        ),
        // Too few.
        (&["/orders/1", "/orders/2"], &["/orders/1", "/orders/2"]),
        // A word among them.
        (
            &["/orders/1", "/orders/2", "/orders/3", "/orders/new"],
            &["/orders/1", "/orders/2", "/orders/3", "/orders/new"],
        ),
        // A word among them, in a longer path.
        (
            &["/orders/1", "/orders/2", "/orders/3", "/orders/new/form"],
            &["/orders/1", "/orders/2", "/orders/3", "/orders/new/form"],
        ),
        // Nothing is no word: `{*}` does not take it.
        (
            &["/orders/", "/orders/1", "/orders/2", "/orders/3"],
            &["/orders/", "/orders/{*}"],
        ),
        // At each position evidence of its own.
        (&["/u/1/o/7", "/u/1/o/8", "/u/1/o/9"], &["/u/1/o/{*}"]),
        (&["/u/1/o/7", "/u/2/o/8", "/u/3/o/9"], &["/u/{*}/o/{*}"]),
        (
            &["/u/1/o/7", "/u/1/o/8", "/u/1/o/9", "/u/2/o/7"],
            &["/u/1/o/{*}", "/u/2/o/7"],
        ),
        // Paths that differ elsewhere are no evidence for each other.
        (
            &["/u/1/a", "/u/2/a", "/u/3/b"],
            &["/u/1/a", "/u/2/a", "/u/3/b"],
        ),
        // The id of a word's position does not keep what follows from being folded.
        (
            &["/x/1/o/7", "/x/1/o/8", "/x/1/o/9", "/x/new"],
            &["/x/1/o/{*}", "/x/new"],
        ),
        // Names of gRPC are never ids.
        (
            &[
                "/s.S/A1B2C3D4E5F6",
                "/s.S/B1B2C3D4E5F6",
                "/s.S/C1B2C3D4E5F6",
            ],
            &[
                "/s.S/A1B2C3D4E5F6",
                "/s.S/B1B2C3D4E5F6",
                "/s.S/C1B2C3D4E5F6",
            ],
        ),
        // Tokens without a digit are taken with others of their length, and with no others.
        (
            &[
                "/p/A1B2C3D4E5",
                "/p/B1B2C3D4E5",
                "/p/C1B2C3D4E5",
                "/p/QWERTZUIOP",
            ],
            &["/p/{*}"],
        ),
        (
            &[
                "/p/A1B2C3D4E5",
                "/p/B1B2C3D4E5",
                "/p/C1B2C3D4E5",
                "/p/QWERTZUIOPA",
            ],
            &[
                "/p/A1B2C3D4E5",
                "/p/B1B2C3D4E5",
                "/p/C1B2C3D4E5",
                "/p/QWERTZUIOPA",
            ],
        ),
        // What cannot stand in a template stays as it is.
        (
            &["/a|b/1", "/a|b/2", "/a|b/3"],
            &["/a|b/1", "/a|b/2", "/a|b/3"],
        ),
    ] {
        assert_eq!(learnt_paths(&paths_of(paths)), learned, "{paths:?}");
    }
}

#[test]
fn what_only_looks_like_the_other_ids_keeps_them_apart() {
    for (paths, learned) in [
        // Ids of several forms, of which any may be what one of the others is not.
        (
            &["/orders/1", "/orders/2", "/orders/3", "/orders/deadbeef"][..],
            &["/orders/1", "/orders/2", "/orders/3", "/orders/deadbeef"][..],
        ),
        (
            &[
                "/o/ord_8f3k2j1h9d",
                "/o/ord_1a2b3c4d5e",
                "/o/ord_0z9y8x7w6v",
            ],
            &["/o/{*}"],
        ),
        (
            &[
                "/o/del_8f3k2j1h9d",
                "/o/ord_0z9y8x7w6v",
                "/o/ord_1a2b3c4d5e",
                "/o/ord_8f3k2j1h9d",
            ],
            &[
                "/o/del_8f3k2j1h9d",
                "/o/ord_0z9y8x7w6v",
                "/o/ord_1a2b3c4d5e",
                "/o/ord_8f3k2j1h9d",
            ],
        ),
        // What looks like a number and is none.
        (
            &["/orders/1", "/orders/1;delete", "/orders/2", "/orders/3"],
            &["/orders/1", "/orders/1;delete", "/orders/2", "/orders/3"],
        ),
        (
            &["/orders/%31", "/orders/1", "/orders/2", "/orders/3"],
            &["/orders/%31", "/orders/1", "/orders/2", "/orders/3"],
        ),
    ] {
        assert_eq!(learnt_paths(&paths_of(paths)), learned, "{paths:?}");
    }
}

#[test]
fn folds_tell_what_they_were_made_of() {
    let proposals = paths_of(&["/orders/1", "/orders/2", "/orders/3", "/orders/4"]);
    let call = proposals.learned.values().flatten().next().unwrap();
    assert_eq!(call.tally.count, 4);
    let [fold] = call.pattern.folds.as_slice() else {
        panic!("{call:?}")
    };
    assert_eq!((fold.distinct, fold.examples.len()), (4, 3));
}

#[test]
fn a_word_anywhere_in_the_workload_keeps_ids_apart() {
    let ids = ["/orders/1", "/orders/2", "/orders/3"].map(|path| seen(WEB, "GET", path));
    for word in [
        seen(ADS, "GET", "/orders/export"),
        seen(WEB, "DELETE", "/orders/export"),
        denied(seen(WEB, "GET", "/orders/export")),
    ] {
        let observations = ids.iter().cloned().chain([word.clone()]);
        let proposals = Proposals::new(&workload(observations), EVIDENCE, &[]);
        assert!(!learnt_paths(&proposals).contains(&"/orders/{*}".to_owned()));
        let held_back = proposals.held_back.first().unwrap();
        assert_eq!(held_back.template, "/orders/{*}");
        assert_eq!(held_back.because, HeldBackReason::Word("export".to_owned()));
    }
}

#[test]
fn another_kind_of_ids_keeps_a_callers_ids_apart() {
    let ids = ["/orders/1001", "/orders/1002", "/orders/1003"];
    for (other, obstacle) in [
        // Of the caller itself, whatever it looks like.
        (
            seen(WEB, "DELETE", "/orders/a8f3kq92mz"),
            Some("a8f3kq92mz"),
        ),
        // Of another, what may be a word.
        (seen(ADS, "GET", "/orders/deadbeef"), Some("deadbeef")),
        // Ids of another are ids.
        (seen(ADS, "GET", "/orders/a8f3kq92mz"), None),
        (
            seen(ADS, "GET", "/orders/123e4567-e89b-12d3-a456-426614174000"),
            None,
        ),
    ] {
        let observations = ids.map(|path| seen(WEB, "GET", path)).into_iter();
        let all = workload(observations.chain([other.clone()]));
        let proposals = Proposals::new(&all, EVIDENCE, &[]);
        let because = proposals.held_back.first().map(|one| &one.because);
        let expected = obstacle.map(|id| HeldBackReason::OtherForm(id.to_owned()));
        assert_eq!(because, expected.as_ref(), "{other:?}");
        let has_template = learnt_paths(&proposals).contains(&"/orders/{*}".to_owned());
        assert_eq!(has_template, obstacle.is_none(), "{other:?}");
    }
}

#[test]
fn two_kinds_of_ids_with_evidence_are_one_template() {
    let numbers = (1..=3).map(|id| format!("/orders/{id}"));
    let uuids = (1..=3).map(|id| format!("/orders/123e4567-e89b-12d3-a456-42661417400{id}"));
    let all = numbers.chain(uuids).map(|path| seen(WEB, "GET", &path));
    let proposals = Proposals::new(&workload(all), EVIDENCE, &[]);
    assert_eq!(learnt_paths(&proposals), ["/orders/{*}"]);
}

#[test]
fn names_with_digits_are_words() {
    for name in ["delete-user-42-forever", "API2EXPORT"] {
        let ids = (1001..1011).map(|id| seen(WEB, "GET", &format!("/orders/{id}")));
        let named = seen(ADS, "GET", &format!("/orders/{name}"));
        let proposals = Proposals::new(&workload(ids.chain([named])), EVIDENCE, &[]);
        let because = &proposals.held_back.first().unwrap().because;
        assert_eq!(*because, HeldBackReason::Word(name.to_owned()));
        assert!(!learnt_paths(&proposals).contains(&"/orders/{*}".to_owned()));
    }
}

#[test]
fn ids_that_were_seen_a_few_times_only_are_told_among_others() {
    let evidence = Thresholds {
        least_count: 3,
        ..EVIDENCE
    };
    let seldom = |counts: &[usize]| {
        let ids = counts.iter().enumerate();
        let observations = ids.flat_map(|(id, &count)| {
            std::iter::repeat_n(seen(WEB, "GET", &format!("/orders/{id}")), count)
        });
        let proposals = Proposals::new(&workload(observations), evidence, &[]);
        assert_eq!(learnt_paths(&proposals), ["/orders/{*}"]);
        let call = proposals.learned.into_values().flatten().next().unwrap();
        let seldom = call.pattern.seldom;
        seldom.map(|paths| (paths.count, paths.example))
    };
    assert_eq!(seldom(&[5, 5, 5, 5]), None);
    assert_eq!(seldom(&[5, 5, 5, 1]), Some((1, "/orders/3".to_owned())));
    // Where each is seen a few times, all are as they should be.
    assert_eq!(seldom(&[1, 1, 1, 2]), None);
}

#[test]
fn methods_and_paths_are_not_multiplied() {
    let observations = [
        ("GET", "/cart"),
        ("POST", "/cart"),
        ("GET", "/list"),
        ("POST", "/buy"),
    ];
    let observations = observations.map(|(method, path)| seen(WEB, method, path));
    let rules = rules(&Proposals::new(&workload(observations), EVIDENCE, &[]));
    let [rule] = rules.as_slice() else {
        panic!("{rules:?}")
    };
    let operations = rule.to.clone().unwrap_or_default();
    let operations: Vec<_> = operations
        .into_iter()
        .map(|operation| (operation.methods.unwrap(), operation.paths.unwrap()))
        .collect();
    let list = |texts: &[&str]| -> Vec<String> { texts.iter().map(ToString::to_string).collect() };
    assert_eq!(
        operations,
        [
            (list(&["GET"]), list(&["/list"])),
            (list(&["GET", "POST"]), list(&["/cart"])),
            (list(&["POST"]), list(&["/buy"])),
        ]
    );
}
