//! Which paths fold into a template.

use super::*;
use crate::learning::path_folding::HeldBackReason;

#[test]
fn folds_ids_only_with_evidence() {
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
        // An empty segment is no word, and `{*}` does not match it.
        (
            &["/orders/", "/orders/1", "/orders/2", "/orders/3"],
            &["/orders/", "/orders/{*}"],
        ),
        // Each position needs its own evidence.
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
        // A word at one position does not prevent folding at later ones.
        (
            &["/x/1/o/7", "/x/1/o/8", "/x/1/o/9", "/x/new"],
            &["/x/1/o/{*}", "/x/new"],
        ),
        // gRPC method names are never IDs.
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
        // Tokens without a digit fold only with tokens of the same length.
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
        // A path with characters that templates cannot contain is not folded.
        (
            &["/a|b/1", "/a|b/2", "/a|b/3"],
            &["/a|b/1", "/a|b/2", "/a|b/3"],
        ),
    ] {
        assert_eq!(learned_paths(&paths_of(paths)), learned, "{paths:?}");
    }
}

#[test]
fn a_segment_of_another_form_prevents_folding() {
    for (paths, learned) in [
        // IDs of different forms may mean different things.
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
        // Not numbers, although they start like one.
        (
            &["/orders/1", "/orders/1;delete", "/orders/2", "/orders/3"],
            &["/orders/1", "/orders/1;delete", "/orders/2", "/orders/3"],
        ),
        (
            &["/orders/%31", "/orders/1", "/orders/2", "/orders/3"],
            &["/orders/%31", "/orders/1", "/orders/2", "/orders/3"],
        ),
    ] {
        assert_eq!(learned_paths(&paths_of(paths)), learned, "{paths:?}");
    }
}

#[test]
fn folds_count_their_ids_and_keep_examples() {
    let proposals = paths_of(&["/orders/1", "/orders/2", "/orders/3", "/orders/4"]);
    let call = proposals.learned.values().flatten().next().unwrap();
    assert_eq!(call.tally.count, 4);
    let [fold] = call.pattern.folds.as_slice() else {
        panic!("{call:?}")
    };
    assert_eq!((fold.distinct, fold.examples.len()), (4, 3));
}

#[test]
fn a_word_from_any_caller_prevents_folding() {
    let ids = ["/orders/1", "/orders/2", "/orders/3"].map(|path| seen(WEB, "GET", path));
    for word in [
        seen(ADS, "GET", "/orders/export"),
        seen(WEB, "DELETE", "/orders/export"),
        denied(seen(WEB, "GET", "/orders/export")),
    ] {
        let observations = ids.iter().cloned().chain([word.clone()]);
        let proposals = Proposals::new(&workload(observations), EVIDENCE, &[]);
        assert!(!learned_paths(&proposals).contains(&"/orders/{*}".to_owned()));
        let held_back = proposals.held_back.first().unwrap();
        assert_eq!(held_back.template, "/orders/{*}");
        assert_eq!(held_back.because, HeldBackReason::Word("export".to_owned()));
    }
}

#[test]
fn an_id_of_another_form_may_prevent_folding() {
    let ids = ["/orders/1001", "/orders/1002", "/orders/1003"];
    for (other, obstacle) in [
        // Any other form from the caller itself.
        (
            seen(WEB, "DELETE", "/orders/a8f3kq92mz"),
            Some("a8f3kq92mz"),
        ),
        // A possible word from another caller.
        (seen(ADS, "GET", "/orders/deadbeef"), Some("deadbeef")),
        // A clear ID from another caller.
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
        let has_template = learned_paths(&proposals).contains(&"/orders/{*}".to_owned());
        assert_eq!(has_template, obstacle.is_none(), "{other:?}");
    }
}

#[test]
fn folds_two_forms_of_ids_with_evidence_into_one_template() {
    let numbers = (1..=3).map(|id| format!("/orders/{id}"));
    let uuids = (1..=3).map(|id| format!("/orders/123e4567-e89b-12d3-a456-42661417400{id}"));
    let all = numbers.chain(uuids).map(|path| seen(WEB, "GET", &path));
    let proposals = Proposals::new(&workload(all), EVIDENCE, &[]);
    assert_eq!(learned_paths(&proposals), ["/orders/{*}"]);
}

#[test]
fn treats_names_with_digits_as_words() {
    for name in ["delete-user-42-forever", "API2EXPORT"] {
        let ids = (1001..1011).map(|id| seen(WEB, "GET", &format!("/orders/{id}")));
        let named = seen(ADS, "GET", &format!("/orders/{name}"));
        let proposals = Proposals::new(&workload(ids.chain([named])), EVIDENCE, &[]);
        let because = &proposals.held_back.first().unwrap().because;
        assert_eq!(*because, HeldBackReason::Word(name.to_owned()));
        assert!(!learned_paths(&proposals).contains(&"/orders/{*}".to_owned()));
    }
}

#[test]
fn reports_rare_ids_among_frequent_ones() {
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
        assert_eq!(learned_paths(&proposals), ["/orders/{*}"]);
        let call = proposals.learned.into_values().flatten().next().unwrap();
        let seldom = call.pattern.seldom;
        seldom.map(|paths| (paths.count, paths.example))
    };
    assert_eq!(seldom(&[5, 5, 5, 5]), None);
    assert_eq!(seldom(&[5, 5, 5, 1]), Some((1, "/orders/3".to_owned())));
    // If all IDs are rare, none stands out.
    assert_eq!(seldom(&[1, 1, 1, 2]), None);
}

#[test]
fn does_not_combine_unseen_methods_and_paths() {
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
