//! The engine allows what was seen and no more, whatever was seen.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::learning::caller::LearnedCaller;

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
/// Requests that only a probing client sends.
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
fn includes(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    let is_part = |(part, segment): (&&str, &&str)| {
        part == segment || (*part == "{*}" && !segment.is_empty())
    };
    template.len() == path.len() && template.iter().zip(&path).all(is_part)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// The engine allows all learned requests. It allows others only if a template with evidence matches
    /// them.
    #[test]
    fn the_engine_allows_only_observed_calls_and_templates(
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
        let proposals = Proposals::new(&workload(let_through.chain(refused)), EVIDENCE, &[]);
        let policy = compiled(rules(&proposals));

        let of = |peer: &str| LearnedCaller::from_peer((!peer.is_empty()).then_some(peer), &domains()).unwrap();
        let sent: BTreeSet<_> = calls
            .iter()
            .filter(|(peer, ..)| !peer.is_empty())
            .map(|(peer, method, path)| (of(peer), *method, path.as_str()))
            .collect();
        let templates: BTreeSet<_> = proposals
            .learned
            .values()
            .flatten()
            .filter(|call| !call.pattern.folds.is_empty())
            .map(|call| (call.caller.clone(), call.method.as_str(), call.pattern.text.as_str()))
            .collect();

        // Each template has its evidence.
        for (caller, method, template) in &templates {
            let own = sent.iter().filter(|(other, by, path)| {
                other == caller && by == method && includes(template, path)
            });
            let own: Vec<_> = own.map(|(.., path)| path.split('/').collect::<Vec<_>>()).collect();
            for (position, part) in template.split('/').enumerate() {
                if part != "{*}" {
                    continue;
                }
                let values: BTreeSet<_> = own.iter().map(|path| path[position]).collect();
                prop_assert!(values.len() >= EVIDENCE.min_ids, "{}: {:?}", template, values);
                let before: Vec<_> = template.split('/').take(position).collect();
                for (peer, _, path) in calls.iter().filter(|(peer, ..)| !peer.is_empty()) {
                    let path: Vec<_> = path.split('/').collect();
                    if path.len() > position && includes(&before.join("/"), &path[..position].join("/")) {
                        prop_assert!(!WORDS.contains(&path[position]), "{}: {:?}", template, path);
                        // IDs of other callers do not prevent folding.
                        let is_other = OTHERS.contains(&path[position]) && of(peer) == *caller;
                        prop_assert!(!is_other, "{}: {:?}", template, path);
                    }
                }
            }
        }

        // Every observed path, and variants with one changed segment, from every caller with every method.
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
                        *other == caller && *by == method && includes(template, path)
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
