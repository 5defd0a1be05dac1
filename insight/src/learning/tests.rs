//! From observations to rules. The engine is the judge.

use std::collections::{BTreeMap, BTreeSet};

use peergate_fuzz::most_memory;
use policy_schema::engine::{CompiledPolicy, Outcome as Decided, Request};
use policy_schema::identity::{PeerIdentity, TrustDomains};
use policy_schema::plugin_config::{ApiVersion, MeshIdentity, PluginConfig, PolicyName};
use policy_schema::reporting::ReportingSpec;
use policy_schema::rule_spec::{Enforcement, Otherwise, RuleSpec};
use policy_schema::timestamp::Timestamp;
use proptest::prelude::*;

use super::caller::{Caller, RuleIds};
use super::hand_template::HandTemplate;
use super::observed::{Observation, Outcome, Tally};
use super::path_folding::{Because, Paths};
use super::proposal::{Evidence, Proposals, Rarity};
use super::rule::rule;
use super::workload::{Counting, SetAside, Standing, Workload};

const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";
const ADS: &str = "spiffe://cluster.local/ns/shop/sa/ads";
/// Two callers whose names make the same label.
const CLASH: [&str; 2] = [
    "spiffe://cluster.local/ns/a-b/sa/c",
    "spiffe://cluster.local/ns/a/sa/b-c",
];
/// The same workload as `WEB`, by another name of the mesh.
const WEB_BY_ALIAS: &str = "spiffe://old.example/ns/shop/sa/web";
const MACHINE: &str = "spiffe://cluster.local/vm/db-1";

const ALL: Counting = Counting {
    status_below: 400,
    takes_denied: false,
    takes_anonymous: false,
};

const EVIDENCE: Evidence = Evidence {
    least_count: 1,
    least_span: 0,
    least_ids: 3,
    takes_rare: false,
};

fn domains() -> TrustDomains {
    TrustDomains::new("cluster.local", &["old.example"]).unwrap()
}

fn policy() -> PolicyName {
    PolicyName {
        namespace: "shop".to_owned(),
        name: "orders".to_owned(),
    }
}

fn seen_at(second: u64, peer: &str, method: &str, path: &str) -> Observation {
    Observation {
        policy: policy(),
        peer: (!peer.is_empty()).then(|| peer.to_owned()),
        method: Some(method.to_owned()),
        path: Some(path.to_owned()),
        host: None,
        outcome: Outcome::Answered(200),
        allowed_by: None,
        tally: Tally::once(Timestamp::from_unix_nanoseconds(second * 1_000_000_000)),
    }
}

fn seen(peer: &str, method: &str, path: &str) -> Observation {
    seen_at(1, peer, method, path)
}

fn denied(observation: Observation) -> Observation {
    Observation {
        outcome: Outcome::Denied,
        ..observation
    }
}

fn workload(observations: impl IntoIterator<Item = Observation>) -> Workload {
    let mut workload = Workload::default();
    for observation in observations {
        workload.add(&observation, &domains(), ALL, |_| Standing::New);
    }
    workload
}

fn rules(proposals: &Proposals) -> Vec<RuleSpec> {
    let mut ids = RuleIds::default();
    let learnt = proposals.learnt.iter();
    learnt
        .map(|(caller, calls)| rule(caller, calls, "shop", None, &mut ids))
        .collect()
}

fn compiled(rules: Vec<RuleSpec>) -> CompiledPolicy {
    let config = PluginConfig {
        api_version: ApiVersion::V1Alpha1,
        revision: None,
        mesh: MeshIdentity {
            trust_domain: "cluster.local".to_owned(),
            trust_domain_aliases: vec!["old.example".to_owned()],
            gateways: Vec::new(),
        },
        policy: policy(),
        enforcement: Enforcement::Enforce,
        reporting: ReportingSpec::default(),
        decision_key: None,
        otherwise: Otherwise::Deny,
        mesh_otherwise: Otherwise::Deny,
        rules,
        along: Vec::new(),
        known_gateways: Vec::new(),
        at_gateway: false,
        yields: false,
    };
    CompiledPolicy::try_from(config).unwrap()
}

fn allows(policy: &CompiledPolicy, peer: &str, method: &str, path: &str) -> bool {
    let peer = PeerIdentity::from_uri_san((!peer.is_empty()).then_some(peer.as_bytes()));
    let request = Request {
        method: Some(method.as_bytes()),
        path: Some(path.as_bytes()),
        ..Request::of_peer(peer, Timestamp::from_unix_nanoseconds(0))
    };
    policy.evaluate(&request).outcome() == Decided::Allowed
}

/// The learnt paths of `WEB`'s `GET` requests.
fn learnt_paths(proposals: &Proposals) -> Vec<String> {
    let calls = proposals.learnt.values().flatten();
    calls.map(|call| call.pattern.text.clone()).collect()
}

fn paths_of(paths: &[&str]) -> Proposals {
    let observations = paths.iter().map(|path| seen(WEB, "GET", path));
    Proposals::of(&workload(observations), EVIDENCE, &[])
}

#[test]
fn a_path_or_a_method_that_is_too_long_is_not_learnt() {
    for (method, path, is_learnt) in [
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
        assert_eq!(workload.calls.len(), usize::from(is_learnt), "{path}");
        let is_aside = workload.set_aside.contains_key(&SetAside::TooLong);
        assert_eq!(is_aside, !is_learnt, "{path}");
    }
}

#[test]
fn what_is_too_long_keeps_templates_from_taking_it_in() {
    let long_id = "/orders/".to_owned() + &"7".repeat(2_000);
    let ids = ["/orders/1", "/orders/2", "/orders/3"];
    let learnt = |more: Observation| {
        let observations = ids.map(|path| seen(WEB, "GET", path));
        let workload = workload(observations.into_iter().chain([more]));
        learnt_paths(&Proposals::of(&workload, EVIDENCE, &[]))
    };
    assert_eq!(
        learnt(seen(WEB, "GET", "/other")),
        ["/orders/{*}", "/other"]
    );
    assert_eq!(learnt(denied(seen(WEB, "GET", &long_id))), ids);
    let word_in_place = "/orders/export/".to_owned() + &"a".repeat(2_000);
    assert_eq!(learnt(seen(WEB, "GET", &word_in_place)), ids);
}

#[test]
fn a_line_takes_no_more_memory_than_a_few_times_its_length() {
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
            let memory = most_memory(|| {
                Proposals::of(&workload([observation]), EVIDENCE, &[]);
            });
            assert!(
                memory < 500_000,
                "{memory} bytes for {outcome:?} of {}",
                path.get(..10).unwrap()
            );
        }
    }
}

#[test]
fn ids_are_folded_with_evidence_only() {
    for (paths, learnt) in [
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
        assert_eq!(learnt_paths(&paths_of(paths)), learnt, "{paths:?}");
    }
}

#[test]
fn what_only_looks_like_the_other_ids_keeps_them_apart() {
    for (paths, learnt) in [
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
        assert_eq!(learnt_paths(&paths_of(paths)), learnt, "{paths:?}");
    }
}

#[test]
fn folds_tell_what_they_were_made_of() {
    let proposals = paths_of(&["/orders/1", "/orders/2", "/orders/3", "/orders/4"]);
    let call = proposals.learnt.values().flatten().next().unwrap();
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
        let proposals = Proposals::of(&workload(observations), EVIDENCE, &[]);
        assert!(!learnt_paths(&proposals).contains(&"/orders/{*}".to_owned()));
        let held_back = proposals.held_back.first().unwrap();
        assert_eq!(held_back.template, "/orders/{*}");
        assert_eq!(held_back.because, Because::Word("export".to_owned()));
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
        let proposals = Proposals::of(&all, EVIDENCE, &[]);
        let because = proposals.held_back.first().map(|one| &one.because);
        let expected = obstacle.map(|id| Because::OtherForm(id.to_owned()));
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
    let proposals = Proposals::of(&workload(all), EVIDENCE, &[]);
    assert_eq!(learnt_paths(&proposals), ["/orders/{*}"]);
}

/// An hour of `WEB`'s requests for a hundred orders.
fn hour_of_orders() -> impl Iterator<Item = Observation> {
    (0..100).map(|id| seen_at(id * 36, WEB, "GET", &format!("/orders/{}", 1000 + id)))
}

fn answered(status: u16, observation: Observation) -> Observation {
    Observation {
        outcome: Outcome::Answered(status),
        ..observation
    }
}

#[test]
fn odd_lines_veto_nothing_and_are_told() {
    let evidence = Evidence {
        least_count: 3,
        least_span: 5,
        ..EVIDENCE
    };
    let id = "123e4567-e89b-12d3-a456-426614174000";
    let uuid = &format!("/orders/{id}");
    let foreign = "spiffe://elsewhere.example/ns/shop/sa/web";
    let times = |count: u64, observation: Observation| {
        let at =
            |number: u64| Tally::once(Timestamp::from_unix_nanoseconds(number * 1_000_000_000));
        let each = (0..count).map(move |number| Observation {
            tally: at(number * 3600 / count),
            ..observation.clone()
        });
        each.collect::<Vec<_>>()
    };
    for (odd, is_template, told) in [
        // One line, from any caller and with any outcome.
        (
            times(1, seen(WEB, "GET", "/orders/1;DROP")),
            true,
            Some("1;DROP"),
        ),
        (
            times(1, seen(ADS, "GET", "/orders/export")),
            true,
            Some("export"),
        ),
        (times(1, seen(WEB, "GET", uuid)), true, Some(id)),
        (
            times(1, denied(seen(ADS, "GET", "/orders/x"))),
            true,
            Some("x"),
        ),
        // Many lines that were refused, of another caller.
        (
            times(500, answered(404, seen(ADS, "GET", "/orders/x"))),
            true,
            Some("x"),
        ),
        (
            times(500, denied(seen(ADS, "GET", "/orders/x"))),
            true,
            Some("x"),
        ),
        // Callers that no rule may name.
        (times(500, seen("", "GET", "/orders/x")), true, None),
        (times(500, seen(foreign, "GET", "/orders/x")), true, None),
        // A word that a caller would be allowed to send is a page of its own,
        (times(3, seen(ADS, "GET", "/orders/export")), false, None),
        (times(3, seen(WEB, "GET", "/orders/export")), false, None),
        // and so is a share of what the caller itself sends, whatever became of it.
        (
            times(6, answered(404, seen(WEB, "GET", "/orders/x"))),
            false,
            None,
        ),
        // What the caller itself was denied is never taken in.
        (times(1, denied(seen(WEB, "GET", "/orders/x"))), false, None),
        (times(3, seen(WEB, "GET", uuid)), false, None),
    ] {
        let shown = format!("{:?}, {} times", odd.first(), odd.len());
        let all = workload(hour_of_orders().chain(odd));
        let proposals = Proposals::of(&all, evidence, &[]);
        let learnt = proposals.learnt.values().flatten();
        let mut templates = learnt.filter(|call| !call.pattern.folds.is_empty());
        let template = templates.next();
        assert_eq!(template.is_some(), is_template, "{shown}");
        let odd = template.and_then(|call| call.pattern.odd.as_deref());
        assert_eq!(odd, told, "{shown}");
        assert_eq!(proposals.held_back.is_empty(), is_template, "{shown}");
    }
}

#[test]
fn a_template_that_a_person_named_needs_no_evidence() {
    let templates = ["/orders/{*}", "/files/{**}"].map(|text| HandTemplate::parse(text).unwrap());
    let observations = [
        seen(WEB, "GET", "/orders/1"),
        seen(WEB, "GET", "/orders/export"),
        seen(WEB, "PUT", "/orders/1"),
        seen(ADS, "GET", "/files/a/b"),
        seen(ADS, "GET", "/cart"),
        denied(seen(WEB, "GET", "/orders/secret")),
        denied(seen(ADS, "GET", "/orders/secret")),
        answered(403, seen(WEB, "GET", "/orders/9")),
    ];
    let proposals = Proposals::of(&workload(observations), EVIDENCE, &templates);
    let calls: Vec<_> = proposals
        .learnt
        .values()
        .flatten()
        .map(|call| {
            let count = |paths: &Paths| paths.count;
            let by_hand = call.pattern.by_hand.as_ref();
            (
                call.caller.to_string(),
                call.method.as_str(),
                call.pattern.text.as_str(),
                by_hand.map(|by_hand| count(&by_hand.paths)),
                by_hand.and_then(|by_hand| by_hand.denied.as_ref().map(count)),
                call.pattern.forbidden.as_ref().map(count),
            )
        })
        .collect();
    let (ads, web) = ("shop/ads".to_owned(), "shop/web".to_owned());
    assert_eq!(
        calls,
        [
            (ads.clone(), "GET", "/cart", None, None, None),
            (ads, "GET", "/files/{**}", Some(1), None, None),
            (web.clone(), "GET", "/orders/{*}", Some(2), Some(1), Some(1)),
            (web, "PUT", "/orders/{*}", Some(1), None, None),
        ]
    );
    // No caller gets a template for paths that it never requested.
    let policy = compiled(rules(&proposals));
    assert!(allows(&policy, WEB, "GET", "/orders/17"));
    assert!(!allows(&policy, ADS, "GET", "/orders/17"));
    assert!(!allows(&policy, WEB, "GET", "/files/a"));
}

#[test]
fn a_template_by_hand_is_one_as_rules_have_it() {
    for (text, reason) in [
        ("/v1/orders/{*}", None),
        ("/v1/{**}", None),
        ("/v1/orders/{id}", Some("{*}")),
        ("/v1/orders/*", Some("{*}")),
        ("/v1/orders", Some("{*}")),
        ("v1/orders/{*}", Some("begin with `/`")),
        ("/v1/{**}/{**}", Some("{**}")),
        ("", Some("begin with `/`")),
    ] {
        let error = HandTemplate::parse(text)
            .err()
            .map(|error| error.to_string());
        assert_eq!(error.is_some(), reason.is_some(), "{text}: {error:?}");
        let (error, reason) = (error.unwrap_or_default(), reason.unwrap_or_default());
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn what_is_learnt_covers_a_part_of_what_could_be() {
    let evidence = Evidence {
        least_count: 3,
        ..EVIDENCE
    };
    let mut all = Workload::default();
    let known = |path: &str| {
        if path == "/known" {
            Standing::Known
        } else {
            Standing::New
        }
    };
    for (observation, count) in [
        (seen(WEB, "GET", "/learnt"), 5),
        (seen(WEB, "GET", "/known"), 4),
        (seen(WEB, "GET", "/rare"), 2),
        (seen(WEB, "GET", &"/1".repeat(1000)), 1),
        // Of these nothing could be learnt.
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
    let coverage = Proposals::of(&all, evidence, &[]).coverage;
    assert_eq!((coverage.covered, coverage.eligible), (9, 12));
}

#[test]
fn names_with_digits_are_words() {
    for name in ["delete-user-42-forever", "API2EXPORT"] {
        let ids = (1001..1011).map(|id| seen(WEB, "GET", &format!("/orders/{id}")));
        let named = seen(ADS, "GET", &format!("/orders/{name}"));
        let proposals = Proposals::of(&workload(ids.chain([named])), EVIDENCE, &[]);
        let because = &proposals.held_back.first().unwrap().because;
        assert_eq!(*because, Because::Word(name.to_owned()));
        assert!(!learnt_paths(&proposals).contains(&"/orders/{*}".to_owned()));
    }
}

#[test]
fn ids_that_were_seen_a_few_times_only_are_told_among_others() {
    let evidence = Evidence {
        least_count: 3,
        ..EVIDENCE
    };
    let seldom = |counts: &[usize]| {
        let ids = counts.iter().enumerate();
        let observations = ids.flat_map(|(id, &count)| {
            std::iter::repeat_n(seen(WEB, "GET", &format!("/orders/{id}")), count)
        });
        let proposals = Proposals::of(&workload(observations), evidence, &[]);
        assert_eq!(learnt_paths(&proposals), ["/orders/{*}"]);
        let call = proposals.learnt.into_values().flatten().next().unwrap();
        let seldom = call.pattern.seldom;
        seldom.map(|paths| (paths.count, paths.example))
    };
    assert_eq!(seldom(&[5, 5, 5, 5]), None);
    assert_eq!(seldom(&[5, 5, 5, 1]), Some((1, "/orders/3".to_owned())));
    // Where each is seen a few times, all are as they should be.
    assert_eq!(seldom(&[1, 1, 1, 2]), None);
}

#[test]
fn what_the_workload_itself_refused_is_evidence_for_nothing() {
    let forbidden = |path: &str, status| Observation {
        outcome: Outcome::Answered(status),
        ..seen(WEB, "GET", path)
    };
    // Not for a template,
    let few = ["/orders/1", "/orders/2"].map(|path| seen(WEB, "GET", path));
    let refused = [forbidden("/orders/3", 401), forbidden("/orders/4", 403)];
    let all = workload(few.into_iter().chain(refused.clone()));
    assert_eq!(all.set_aside[&SetAside::Forbidden].count, 2);
    let learnt = learnt_paths(&Proposals::of(&all, EVIDENCE, &[]));
    assert_eq!(learnt, ["/orders/1", "/orders/2"]);
    // and not against one, which tells how many such paths it takes in. What was let through later is not among them.
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
    let proposals = Proposals::of(&all, EVIDENCE, &[]);
    assert_eq!(learnt_paths(&proposals), ["/orders/{*}"]);
    let call = proposals.learnt.into_values().flatten().next().unwrap();
    let paths = call.pattern.forbidden.unwrap();
    assert_eq!((paths.count, paths.example.as_str()), (2, "/orders/3"));
    assert_eq!(call.tally.count, 3);
}

#[test]
fn what_a_token_or_an_authorizer_decided_is_evidence_for_nothing() {
    let ids = ["/orders/1", "/orders/2", "/orders/3"].map(|path| seen(WEB, "GET", path));
    let refused = Observation {
        outcome: Outcome::DeniedElsewhere,
        ..seen(WEB, "GET", "/orders/4")
    };
    let all = workload(ids.into_iter().chain([refused]));
    assert_eq!(all.set_aside[&SetAside::Denied].count, 1);
    let proposals = Proposals::of(&all, EVIDENCE, &[]);
    assert_eq!(learnt_paths(&proposals), ["/orders/{*}"]);
    let call = proposals.learnt.into_values().flatten().next().unwrap();
    assert_eq!(call.pattern.forbidden.unwrap().example, "/orders/4");
    assert_eq!(call.tally.count, 3);
}

/// Where one request is denied and another to the same path is not, the path is not why.
#[test]
fn a_path_that_was_let_through_as_often_as_denied_prevents_no_template() {
    let ids = ["/orders/1", "/orders/2", "/orders/3"].map(|path| seen(WEB, "GET", path));
    let with = |let_through: usize, denials: usize| {
        let request = seen(WEB, "GET", "/orders/4");
        let let_through = std::iter::repeat_n(request.clone(), let_through);
        let denials = std::iter::repeat_n(denied(request), denials);
        let all = ids.iter().cloned().chain(let_through).chain(denials);
        let proposals = Proposals::of(&workload(all), EVIDENCE, &[]);
        learnt_paths(&proposals) == ["/orders/{*}"]
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

/// The `Deny` rule stays in force beside the template.
#[test]
fn what_a_rule_of_the_policy_denies_prevents_no_template() {
    let admin = seen(WEB, "GET", "/orders/admin");
    for (standing, is_template) in [
        (Standing::Refused("no-admin".to_owned()), true),
        (Standing::RefusedThen("no-admin".to_owned()), false),
    ] {
        for refused in [admin.clone(), denied(admin.clone())] {
            let mut all = workload([1, 2, 3].map(|id| seen(WEB, "GET", &format!("/orders/{id}"))));
            for _ in 0..9 {
                all.add(&refused, &domains(), ALL, |_| standing.clone());
            }
            let proposals = Proposals::of(&all, EVIDENCE, &[]);
            let paths = learnt_paths(&proposals);
            assert_eq!(paths == ["/orders/{*}"], is_template, "{standing:?}");
            assert!(!paths.contains(&"/orders/admin".to_owned()));
        }
    }
}

/// What is allowed already is not allowed newly.
#[test]
fn what_was_denied_and_is_allowed_by_now_prevents_no_template() {
    let mut all = workload([1, 2, 3].map(|id| seen(WEB, "GET", &format!("/orders/{id}"))));
    all.add(
        &denied(seen(WEB, "GET", "/orders/4")),
        &domains(),
        ALL,
        |_| Standing::Known,
    );
    let proposals = Proposals::of(&all, EVIDENCE, &[]);
    assert_eq!(learnt_paths(&proposals), ["/orders/{*}"]);
}

#[test]
fn a_draft_covers_what_it_allows_however_it_came_to() {
    let mut all =
        workload(["/a", "/a", "/rare", "/a/x*", "/b c", "/b c"].map(|path| seen(WEB, "GET", path)));
    let covered = all.cover(|call| matches!(call.path.as_str(), "/a" | "/a/x*"));
    assert_eq!((covered, all.eligible), (3, 6));
    let unwritable = SetAside::Unwritable("GET /b c".to_owned());
    let aside: Vec<_> = all.set_aside.iter().collect();
    assert_eq!(aside.len(), 1);
    assert_eq!(*aside[0].0, unwritable);
    assert_eq!(aside[0].1.count, 2);
}

#[test]
fn a_template_never_takes_in_what_was_denied() {
    let ids = ["/orders/1", "/orders/2", "/orders/3"].map(|path| seen(WEB, "GET", path));
    let with = |other: Observation| {
        let all = ids.iter().cloned().chain([denied(other)]);
        Proposals::of(&workload(all), EVIDENCE, &[])
    };
    let proposals = with(seen(WEB, "GET", "/orders/4"));
    assert_eq!(
        learnt_paths(&proposals),
        ["/orders/1", "/orders/2", "/orders/3"]
    );
    let because = &proposals.held_back.first().unwrap().because;
    assert_eq!(*because, Because::Denied("/orders/4".to_owned()));
    // What another was denied, or this one with another method, is no matter.
    for other in [seen(ADS, "GET", "/orders/4"), seen(WEB, "PUT", "/orders/4")] {
        assert_eq!(learnt_paths(&with(other)), ["/orders/{*}"]);
    }
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
    let rules = rules(&Proposals::of(&workload(observations), EVIDENCE, &[]));
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

#[test]
fn what_is_rare_is_set_apart() {
    let evidence = Evidence {
        least_count: 3,
        least_span: 10,
        ..EVIDENCE
    };
    let often = (0..100).map(|second| seen_at(second, WEB, "GET", "/often"));
    let few = [5, 95].map(|second| seen_at(second, WEB, "GET", "/few"));
    let brief = (50..55).map(|second| seen_at(second, WEB, "GET", "/brief"));
    let proposals = Proposals::of(&workload(often.chain(few).chain(brief)), evidence, &[]);
    assert_eq!(learnt_paths(&proposals), ["/often"]);
    let rare = proposals.rare.iter();
    let rare: Vec<_> = rare
        .map(|call| (call.pattern.text.as_str(), call.rarity))
        .collect();
    assert_eq!(
        rare,
        [("/brief", Some(Rarity::Brief)), ("/few", Some(Rarity::Few)),]
    );
    let taken = Evidence {
        takes_rare: true,
        ..evidence
    };
    let often = (0..100).map(|second| seen_at(second, WEB, "GET", "/often"));
    let few = [seen_at(5, WEB, "GET", "/few")];
    let proposals = Proposals::of(&workload(often.chain(few)), taken, &[]);
    assert_eq!(learnt_paths(&proposals), ["/few", "/often"]);
}

#[test]
fn what_cannot_be_learnt_is_set_aside_for_a_reason() {
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
        (seen("", "GET", "/x"), SetAside::Anonymous),
        (
            seen("web", "GET", "/x"),
            SetAside::Malformed("web".to_owned()),
        ),
        (
            seen(foreign, "GET", "/x"),
            SetAside::Foreign(foreign.to_owned()),
        ),
        (denied(seen(WEB, "GET", "/x")), SetAside::Denied),
        (failed, SetAside::Failed),
        (unanswered, SetAside::Unanswered),
        (without_path, SetAside::Incomplete),
        (
            seen(WEB, "GET", "/x*"),
            SetAside::Unwritable("GET /x*".to_owned()),
        ),
        (
            seen(WEB, "GET", "*"),
            SetAside::Unwritable("GET *".to_owned()),
        ),
        (
            seen(WEB, "GET", "/{*}"),
            SetAside::Unwritable("GET /{*}".to_owned()),
        ),
        (
            seen(WEB, "GET", "/a b"),
            SetAside::Unwritable("GET /a b".to_owned()),
        ),
        (
            seen(WEB, "*", "/x"),
            SetAside::Unwritable("* /x".to_owned()),
        ),
        (
            seen(WEB, "get", "/x"),
            SetAside::Unwritable("get /x".to_owned()),
        ),
    ] {
        let workload = workload([observation]);
        assert_eq!(workload.calls, BTreeMap::new(), "{reason:?}");
        assert_eq!(workload.set_aside.keys().collect::<Vec<_>>(), [&reason]);
    }
}

#[test]
fn anonymous_callers_and_denied_requests_are_learnt_on_demand() {
    let counting = Counting {
        takes_denied: true,
        takes_anonymous: true,
        ..ALL
    };
    let mut workload = Workload::default();
    for observation in [seen("", "GET", "/health"), denied(seen(WEB, "GET", "/x"))] {
        workload.add(&observation, &domains(), counting, |_| Standing::New);
    }
    let policy = compiled(rules(&Proposals::of(&workload, EVIDENCE, &[])));
    assert!(allows(&policy, "", "GET", "/health"));
    assert!(!allows(&policy, WEB, "GET", "/health"));
    assert!(allows(&policy, WEB, "GET", "/x"));
    assert!(!allows(&policy, "", "GET", "/x"));
}

#[test]
fn what_is_known_is_counted_and_what_a_rule_denies_never_learnt() {
    let mut workload = Workload::default();
    for (path, standing) in [
        ("/known", Standing::Known),
        ("/shadow", Standing::KnownInShadow),
        ("/denied", Standing::Refused("no-admin".to_owned())),
        ("/new", Standing::New),
    ] {
        workload.add(&seen(WEB, "GET", path), &domains(), ALL, |_| standing);
    }
    assert_eq!((workload.known, workload.known_in_shadow), (1, 1));
    let paths: Vec<_> = workload.calls.keys().map(|call| &call.path).collect();
    assert_eq!(paths, ["/new"]);
    let refused = SetAside::Refused("no-admin".to_owned());
    assert_eq!(workload.set_aside.keys().collect::<Vec<_>>(), [&refused]);
}

const CALLERS: [&str; 7] = [WEB, ADS, CLASH[0], CLASH[1], WEB_BY_ALIAS, MACHINE, ""];
const METHODS: [&str; 3] = ["GET", "POST", "DELETE"];
const WORDS: [&str; 8] = [
    "orders",
    "items",
    "export",
    "v1",
    "delete-user-42-forever",
    "q3-2024-revenue-report",
    "API2EXPORT",
    "1;delete",
];
const NUMBERS: [&str; 6] = ["1", "22", "0", "4711", "80", "123456789"];
/// Each of another form.
const OTHERS: [&str; 5] = [
    "7f3a9c01",
    "123e4567-e89b-12d3-a456-426614174000",
    "ord_8f3k2j1h9d",
    "1YMWWN1N4O",
    "2026-06-01",
];
/// What nobody ever sends but those who look for what a rule lets through.
const PROBES: [&str; 5] = ["99", "admin", "", "1YMWWN1N4P", "1;delete"];

/// A path such that many are alike.
fn path() -> impl Strategy<Value = Vec<&'static str>> {
    let word = || prop::sample::select(&WORDS[..]);
    let number = || prop::sample::select(&NUMBERS[..]);
    let id = || prop_oneof![20 => number(), 1 => prop::sample::select(&OTHERS[..])];
    let segment = || prop_oneof![1 => word(), 4 => id()];
    prop_oneof![
        6 => id().prop_map(|id| vec!["orders", id]),
        2 => (id(), word()).prop_map(|(id, word)| vec!["orders", id, word]),
        2 => (id(), id()).prop_map(|(one, other)| vec!["orders", one, "items", other]),
        1 => prop::collection::vec(segment(), 1..4),
    ]
}

/// Whether a template takes a path, without the code under test.
fn is_of(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    let is_part = |(part, segment): (&&str, &&str)| {
        part == segment || (*part == "{*}" && !segment.is_empty())
    };
    template.len() == path.len() && template.iter().zip(&path).all(is_part)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// All that was learnt is allowed; and nothing is that was not seen, but within a template for which
    /// there is evidence.
    #[test]
    fn the_engine_allows_what_was_seen_and_no_more(
        calls in prop::collection::vec((0..CALLERS.len(), 0..METHODS.len(), path()), 1..60),
        denials in prop::collection::vec((0..CALLERS.len(), 0..METHODS.len(), path()), 0..3),
    ) {
        let written = |(caller, method, path): &(usize, usize, Vec<&str>)| {
            (CALLERS[*caller], METHODS[*method], format!("/{}", path.join("/")))
        };
        let calls: Vec<_> = calls.iter().map(written).collect();
        let denials: Vec<_> = denials.iter().map(written).collect();
        let let_through = calls.iter().map(|(peer, method, path)| seen(peer, method, path));
        let refused = denials.iter().map(|(peer, method, path)| denied(seen(peer, method, path)));
        let proposals = Proposals::of(&workload(let_through.chain(refused)), EVIDENCE, &[]);
        let policy = compiled(rules(&proposals));

        let of = |peer: &str| Caller::of_peer((!peer.is_empty()).then_some(peer), &domains()).unwrap();
        let sent: BTreeSet<_> = calls
            .iter()
            .filter(|(peer, ..)| !peer.is_empty())
            .map(|(peer, method, path)| (of(peer), *method, path.as_str()))
            .collect();
        let templates: BTreeSet<_> = proposals
            .learnt
            .values()
            .flatten()
            .filter(|call| !call.pattern.folds.is_empty())
            .map(|call| (call.caller.clone(), call.method.as_str(), call.pattern.text.as_str()))
            .collect();

        // Each template has its evidence.
        for (caller, method, template) in &templates {
            let own = sent.iter().filter(|(other, by, path)| {
                other == caller && by == method && is_of(template, path)
            });
            let own: Vec<_> = own.map(|(.., path)| path.split('/').collect::<Vec<_>>()).collect();
            for (position, part) in template.split('/').enumerate() {
                if part != "{*}" {
                    continue;
                }
                let values: BTreeSet<_> = own.iter().map(|path| path[position]).collect();
                prop_assert!(values.len() >= EVIDENCE.least_ids, "{}: {:?}", template, values);
                let before: Vec<_> = template.split('/').take(position).collect();
                for (peer, _, path) in calls.iter().filter(|(peer, ..)| !peer.is_empty()) {
                    let path: Vec<_> = path.split('/').collect();
                    if path.len() > position && is_of(&before.join("/"), &path[..position].join("/")) {
                        prop_assert!(!WORDS.contains(&path[position]), "{}: {:?}", template, path);
                        // Ids of others are ids.
                        let is_other = OTHERS.contains(&path[position]) && of(peer) == *caller;
                        prop_assert!(!is_other, "{}: {:?}", template, path);
                    }
                }
            }
        }

        // Everything that was seen, changed in each place, from everybody with every method.
        let mut paths: BTreeSet<String> = calls.iter().map(|(.., path)| path.clone()).collect();
        paths.extend(denials.iter().map(|(.., path)| path.clone()));
        for path in paths.clone() {
            let parts: Vec<_> = path.split('/').collect();
            for position in 1..parts.len() {
                for probe in PROBES {
                    let mut changed = parts.clone();
                    changed[position] = probe;
                    paths.insert(changed.join("/"));
                }
                paths.insert(parts[..position].join("/"));
            }
            paths.insert(format!("{path}/x"));
            paths.insert(format!("{path}x"));
        }
        for peer in CALLERS {
            let caller = of(peer);
            for method in METHODS.into_iter().chain(["PUT"]) {
                for path in &paths {
                    let key = (caller.clone(), method, path.as_str());
                    let in_template = templates.iter().any(|(other, by, template)| {
                        *other == caller && *by == method && is_of(template, path)
                    });
                    let expected = !peer.is_empty() && (sent.contains(&key) || in_template);
                    prop_assert_eq!(
                        allows(&policy, peer, method, path), expected,
                        "{} {} {}", peer, method, path
                    );
                }
            }
        }

        // What was denied to a caller is allowed to it only where it was let through as well.
        for (peer, method, path) in denials.iter().filter(|(peer, ..)| !peer.is_empty()) {
            let was_sent = sent.contains(&(of(peer), *method, path.as_str()));
            prop_assert_eq!(allows(&policy, peer, method, path), was_sent);
        }
    }
}
