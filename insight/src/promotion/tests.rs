//! Which requests are counted for what, and what follows.

use std::fmt::Write as _;
use std::time::Duration;

use policy_schema::diagnostic::SourceText;
use policy_schema::plugin_config::PolicyName;
use policy_schema::rule_spec::Effect;
use policy_schema::timestamp::{Timestamp, Validity};
use policy_schema::validate::{Options, validate};

use super::bound::{Confidence, Share, upper_bound};
use super::candidate::{Candidate, Member, MemberRule, Subject};
use super::counting::Window;
use super::coverage::{Coverage, Gap};
use super::evidence::{Beginning, Evidence, Hits, Seen, Windows};
use super::revisions::Revisions;
use super::schedule::{Scheduled, scheduled};
use super::selectors::{Selectors, decided};
use super::verdict::{NotInForce, Standard, Unknown, Verdict, judge};

fn policy(name: &str) -> PolicyName {
    PolicyName {
        namespace: "shop".to_owned(),
        name: name.to_owned(),
    }
}

fn member(name: &str, is_in_shadow: bool, rules_in_shadow: &[&str]) -> Member {
    Member {
        name: policy(name),
        revision: "0123456789ab".to_owned(),
        is_in_shadow,
        rules_in_shadow: rules_in_shadow.iter().map(|id| (*id).to_owned()).collect(),
        rules: Vec::new(),
        tcp_ports: Vec::new(),
    }
}

fn rule(effect: Effect) -> Candidate {
    Candidate {
        members: vec![member("orders", false, &["a"])],
        neighbours: Vec::new(),
        is_decided: true,
        subject: Subject::Rule {
            id: "a".to_owned(),
            effect,
            owner: None,
            validity: Validity::default(),
        },
    }
}

fn whole(uncounted: &[&str]) -> Candidate {
    Candidate {
        members: vec![member("orders", true, &[])],
        neighbours: Vec::new(),
        is_decided: false,
        subject: Subject::Policies {
            uncounted: uncounted.iter().map(|name| policy(name)).collect(),
        },
    }
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
        missing: Duration::ZERO,
        coverage: Coverage::default(),
        requests,
        hits: hits.collect(),
        callers: None,
    }
}

fn standard() -> Standard {
    Standard {
        most: Share::parse("0.1%").unwrap(),
        confidence: Confidence::parse("95%").unwrap(),
        ignores_tcp: false,
    }
}

/// The second thousand of seconds.
fn window() -> Window {
    Window {
        from: second(1000),
        until: second(2000),
    }
}

fn second(second: u64) -> Timestamp {
    Timestamp::from_unix_nanoseconds(second * 1_000_000_000)
}

fn current() -> Revisions {
    Revisions::Current { since: None }
}

fn judged(
    candidate: &Candidate,
    revisions: Revisions,
    seen: Result<Seen, Vec<PolicyName>>,
) -> Verdict {
    let evidence = Evidence { revisions, seen };
    let verdict = judge(candidate, &evidence, window(), standard());
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
        for candidate in [rule(Effect::Deny), whole(&[])] {
            let seen = Ok(seen(requests, denied));
            assert_eq!(judged(&candidate, current(), seen), expected, "{case}");
        }
    }
}

#[test]
fn what_counters_cannot_tell_is_not_judged_by_them() {
    let others = || Revisions::Others(vec!["ffffffffffff".to_owned()]);
    let plenty = || Ok(seen(5000, &[]));
    let nothing = || Err(vec![policy("orders")]);
    let ready = Verdict::Ready {
        bound: upper_bound(0, 5000, standard().confidence),
    };
    let unknown = Verdict::Unknown;
    let shared = || unknown(Unknown::Shared(vec![policy("all")]));
    let stale = || unknown(Unknown::OtherRevisions(vec!["ffffffffffff".to_owned()]));
    let provider = unknown(Unknown::Provider);
    let cases = [
        (whole(&["all"]), current(), plenty(), shared()),
        (whole(&[]), current(), plenty(), ready.clone()),
        (rule(Effect::Deny), Revisions::Untold, plenty(), ready),
        (rule(Effect::Deny), others(), plenty(), stale()),
        (
            rule(Effect::Deny),
            Revisions::Untold,
            nothing(),
            unknown(Unknown::NotCounted(vec![policy("orders")])),
        ),
        (rule(Effect::Allow), others(), nothing(), Verdict::Harmless),
        (
            rule(Effect::Audit),
            current(),
            Ok(seen(9, &[9])),
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
    let of_rule = rule(Effect::Deny);
    let part = Selectors::new(&of_rule.members[0], &of_rule.subject);
    let expected = format!("{decisions},peergate_effect=~\"allow|deny\"}}");
    assert_eq!(decided(&of_rule), Some(expected));
    assert_eq!(part.in_shadow, None);
    let expected = format!("{decisions},peergate_rule=~\"a\",peergate_effect=\"shadow_deny\"}}");
    assert_eq!((&part.hits, &part.present), (&expected, &expected));

    let in_shadow = format!(
        "{decisions},peergate_effect=~\"shadow_allow|shadow_deny\",peergate_rule!~\"a|b\"}}"
    );
    let in_shadow = Some(in_shadow);
    let orders = member("orders", true, &["a", "b"]);
    let part = Selectors::new(&orders, &whole(&[]).subject);
    assert_eq!(part.in_shadow, in_shadow);
    assert_eq!(
        part.hits,
        format!("{decisions},peergate_effect=\"shadow_deny\",peergate_rule!~\"a|b\"}}")
    );

    let part = Selectors::new(&orders, &rule(Effect::Allow).subject);
    assert_eq!(part.in_shadow, in_shadow);
    assert_eq!(
        part.hits,
        format!("{decisions},peergate_rule=~\"a\",peergate_effect=\"shadow_allow\"}}")
    );
}

const MESH: &str = "
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {name: test}
spec: {trustDomain: cluster.local, istioVersion: \"1.29\", filter: {image: \"file:///peergate_filter.wasm\"}, defaults: {otherwise: Pass}}
";

/// The policies that would be enforced together, the enforced ones for their workloads, and beside which of these what
/// is denied for lack of a rule is not counted.
#[test]
fn policies_in_shadow_that_meet_are_judged_together() {
    let selecting = |label: &str| format!("selector: {{matchLabels: {{app: {label}}}}}");
    let (a, b, all) = (
        selecting("a"),
        selecting("b"),
        "scope: Namespace".to_owned(),
    );
    let shadow = "enforcement: Shadow";
    for (policies, expected) in [
        (
            vec![("a", &a, shadow), ("b", &b, shadow)],
            vec!["a /  / ", "b /  / "],
        ),
        (
            vec![("a", &a, shadow), ("b", &b, shadow), ("n", &all, shadow)],
            vec!["a b n /  / "],
        ),
        (
            vec![("a", &a, shadow), ("b", &b, ""), ("n", &all, shadow)],
            vec!["a n / b / "],
        ),
        (
            vec![("a", &a, shadow), ("n", &all, "otherwise: Pass")],
            vec!["a / n / n"],
        ),
        (
            vec![
                ("a", &a, "enforcement: Shadow, otherwise: Pass"),
                ("n", &all, "otherwise: Pass"),
            ],
            vec!["a / n / "],
        ),
    ] {
        let mut text = MESH.to_owned();
        for (name, scope, more) in policies {
            let deny = "{id: x, effect: Deny, to: [{paths: [\"/x\"]}]}";
            let allow = "{id: w, effect: Allow, from: [{serviceAccounts: [w]}]}";
            // Where the rest passes, an `Allow` rule changes nothing and is refused.
            let rule = if more.contains("Pass") {
                format!("rules: [{deny}]")
            } else {
                format!("rules: [{deny}, {allow}]")
            };
            let _ = write!(
                text,
                "---\napiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{{scope}, {rule}, {more}}}\n"
            );
        }
        let source = SourceText {
            name: "policies.yaml".to_owned(),
            text,
        };
        let options = Options {
            at: Timestamp::from_unix_nanoseconds(0),
            istio_version: None,
        };
        let validated = validate(&[source], options);
        let set = validated
            .policies
            .unwrap_or_else(|| panic!("{:?}", validated.diagnostics));
        let names = |names: &mut dyn Iterator<Item = &PolicyName>| {
            let names: Vec<_> = names.map(|name| name.name.clone()).collect();
            names.join(" ")
        };
        let found = Candidate::all(&set).into_iter().map(|candidate| {
            let Subject::Policies { uncounted } = &candidate.subject else {
                panic!("{candidate:?}")
            };
            assert_eq!(candidate.is_decided, !candidate.neighbours.is_empty());
            format!(
                "{} / {} / {}",
                names(&mut candidate.members.iter().map(|member| &member.name)),
                names(&mut candidate.neighbours.iter()),
                names(&mut uncounted.iter())
            )
        });
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn what_was_not_counted_for_all_of_the_window_waits() {
    let rule = &rule(Effect::Deny);
    let wait = Duration::from_mins(10_077);
    let judge = |requests, denied: &[u64]| {
        let seen = Seen {
            beginning: Beginning::FirstSeen,
            missing: wait,
            ..seen(requests, denied)
        };
        judged(rule, current(), Ok(seen))
    };
    let too_short = |requests, more| Verdict::TooShort {
        bound: upper_bound(0, requests, standard().confidence),
        wait,
        gap: None,
        more,
    };
    assert_eq!(judge(3201, &[]), too_short(3201, 0));
    assert_eq!(judge(10, &[]), too_short(10, 2985));
    // A denial is one however short the time was.
    assert!(matches!(judge(3201, &[1]), Verdict::WouldDeny { .. }));
}

#[test]
fn what_nobody_looked_at_is_not_ready() {
    let at = Timestamp::from_unix_nanoseconds(9_000_000_000);
    let bound = |events, requests| upper_bound(events, requests, standard().confidence);
    let gap = Gap {
        length: Duration::from_hours(72),
        last: at,
        wait: Duration::from_hours(120),
    };
    let judge = |ended, gap, missing, denied: &[u64]| {
        let seen = Seen {
            coverage: Coverage { ended, gap },
            missing,
            ..seen(5000, denied)
        };
        judged(&rule(Effect::Deny), current(), Ok(seen))
    };
    let not_scraped = Verdict::NotScraped {
        bound: bound(0, 5000),
        since: at,
    };
    let too_short = |wait| Verdict::TooShort {
        bound: bound(0, 5000),
        wait,
        gap: Some(gap),
        more: 0,
    };
    let hours = Duration::from_hours;
    assert_eq!(judge(Some(at), None, hours(0), &[]), not_scraped);
    assert_eq!(judge(Some(at), Some(gap), hours(1), &[]), not_scraped);
    assert_eq!(judge(None, Some(gap), hours(0), &[]), too_short(hours(120)));
    assert_eq!(
        judge(None, Some(gap), hours(140), &[]),
        too_short(hours(140))
    );
    // What was seen to be denied is known all the same.
    for (ended, gap) in [(Some(at), None), (None, Some(gap))] {
        let verdict = judge(ended, gap, hours(0), &[1]);
        assert!(matches!(verdict, Verdict::WouldDeny { .. }), "{verdict:?}");
    }
}

/// Of moments that are known roughly, the one is taken that speaks against enforcing.
#[test]
fn requests_count_late_and_denials_count_early() {
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
        let missing = of_requests.unix_nanoseconds() - asked.from.unix_nanoseconds();
        assert_eq!(
            windows.missing(asked),
            Duration::from_nanos(missing),
            "{case}"
        );
    }
}

fn between(not_before: Option<u64>, not_after: Option<u64>) -> Validity {
    Validity {
        not_before: not_before.map(second),
        not_after: not_after.map(second),
    }
}

/// None of many requests would have been denied, by a rule that could not have denied any.
#[test]
fn a_rule_that_did_not_apply_for_all_of_the_window_is_not_ready() {
    let begins = |at| Some(NotInForce::Begins(second(at)));
    let ended = |at| Some(NotInForce::Ended(second(at)));
    for (not_before, not_after, expected) in [
        (None, None, None),
        (Some(1000), Some(2001), None),
        (Some(1001), None, begins(1001)),
        (Some(2500), None, begins(2500)),
        (None, Some(2000), ended(2000)),
        (None, Some(10), ended(10)),
        (Some(1500), Some(1600), ended(1600)),
    ] {
        for effect in [Effect::Deny, Effect::Allow, Effect::Audit] {
            let mut candidate = rule(effect);
            if let Subject::Rule { validity, .. } = &mut candidate.subject {
                *validity = between(not_before, not_after);
            }
            let verdict = judged(&candidate, current(), Ok(seen(5000, &[])));
            match expected {
                Some(reason) => assert_eq!(verdict, Verdict::NotInForce(reason)),
                None => assert!(verdict.is_ready(), "{verdict:?}"),
            }
        }
    }
}

#[test]
fn what_begins_or_ends_soon_is_told_of_policies() {
    let allow_ends = |rule: &str, at, is_last| Scheduled::AllowEnds {
        rule: rule.to_owned(),
        at: second(at),
        is_last,
    };
    let deny_begins = |at| Scheduled::DenyBegins {
        rule: "d".to_owned(),
        at: second(at),
    };
    let (allow, deny) = (Effect::Allow, Effect::Deny);
    let cases = [
        (vec![("a", allow, between(None, None))], vec![]),
        (
            vec![("a", allow, between(None, Some(2001)))],
            vec![allow_ends("a", 2001, true)],
        ),
        (
            vec![
                ("a", allow, between(None, Some(2500))),
                ("b", allow, between(None, Some(3000))),
            ],
            vec![allow_ends("a", 2500, false), allow_ends("b", 3000, true)],
        ),
        (
            vec![
                ("a", allow, between(None, Some(2500))),
                ("b", allow, between(None, None)),
            ],
            vec![allow_ends("a", 2500, false)],
        ),
        (vec![("a", allow, between(None, Some(3001)))], vec![]),
        (vec![("a", allow, between(None, Some(2000)))], vec![]),
        (vec![("d", deny, between(Some(1000), None))], vec![]),
        (
            vec![("d", deny, between(Some(1500), None))],
            vec![deny_begins(1500)],
        ),
        (
            vec![("d", deny, between(Some(9000), None))],
            vec![deny_begins(9000)],
        ),
        (vec![("d", deny, between(Some(1500), Some(1600)))], vec![]),
    ];
    for (rules, expected) in cases {
        let mut candidate = whole(&[]);
        let rules = rules.into_iter().map(|(id, effect, validity)| MemberRule {
            id: id.to_owned(),
            effect,
            validity,
        });
        candidate.members[0].rules = rules.collect();
        assert_eq!(scheduled(&candidate, window()), expected, "{candidate:?}");
    }
}

/// Counters of requests prove nothing about them.
#[test]
fn connections_without_http_that_may_be_denied_are_not_judged_by_requests() {
    let mut candidate = whole(&[]);
    candidate.members[0].tcp_ports = vec![6379];
    let plenty = || Ok(seen(5000, &[]));
    let verdict = judged(&candidate, current(), plenty());
    assert_eq!(verdict, Verdict::Unknown(Unknown::TcpPorts(vec![6379])));
    // What was counted against it says more.
    let verdict = judged(&candidate, current(), Ok(seen(5000, &[1])));
    assert!(matches!(verdict, Verdict::WouldDeny { .. }));
    let evidence = Evidence {
        revisions: current(),
        seen: plenty(),
    };
    let ignoring = Standard {
        ignores_tcp: true,
        ..standard()
    };
    assert!(judge(&candidate, &evidence, window(), ignoring).is_ready());
}

#[test]
fn the_ports_on_which_connections_may_be_denied_are_those_that_not_everybody_may_call() {
    let everybody = "{id: e, effect: Allow, to: [{ports: [6379]}]}";
    let web = "{id: w, effect: Allow, from: [{serviceAccounts: [w]}]}";
    let get = "{id: g, effect: Allow, to: [{methods: [GET]}]}";
    let timed = "{id: t, effect: Allow, notAfter: \"2100-01-01T00:00:00Z\"}";
    let deny = "{id: d, effect: Deny, from: [{serviceAccounts: [x]}]}";
    let path = "{id: p, effect: Deny, to: [{paths: [/x]}]}";
    let shadow = "{id: s, effect: Deny, enforcement: Shadow, from: [{serviceAccounts: [x]}]}";
    let strict = "mtls: {mode: Strict}";
    for (mesh, spec, rules, expected) in [
        (strict, "tcpPorts: [6379]", vec![web], "policy 6379"),
        (strict, "tcpPorts: [6379]", vec![web, get], "policy 6379"),
        (strict, "tcpPorts: [6379]", vec![timed], "policy 6379"),
        (strict, "tcpPorts: [6379]", vec![web, everybody], "policy"),
        (
            strict,
            "tcpPorts: [6379, 5432]",
            vec![everybody],
            "policy 5432",
        ),
        (
            "mtls: {mode: Permissive}",
            "tcpPorts: [6379]",
            vec![everybody],
            "policy 6379",
        ),
        (
            strict,
            "tcpPorts: [6379]",
            vec![everybody, deny],
            "policy 6379",
        ),
        (strict, "tcpPorts: [6379]", vec![everybody, path], "policy"),
        (
            strict,
            "tcpPorts: [6379]",
            vec![everybody, shadow],
            "policy, s 6379",
        ),
        (
            strict,
            "tcpPorts: [6379], otherwise: Pass",
            vec![path],
            "policy",
        ),
        (
            strict,
            "tcpPorts: [6379], otherwise: Pass",
            vec![deny],
            "policy 6379",
        ),
        (
            strict,
            "service: {ports: [{port: 80}]}",
            vec![web],
            "policy",
        ),
    ] {
        let mesh = MESH.replace("defaults:", &format!("{mesh}, defaults:"));
        let text = format!(
            "{mesh}---\napiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\nmetadata: {{name: a, namespace: shop}}\nspec: {{selector: {{matchLabels: {{app: a}}}}, enforcement: Shadow, {spec}, rules: [{}]}}\n",
            rules.join(", ")
        );
        let source = SourceText {
            name: "policies.yaml".to_owned(),
            text,
        };
        let options = Options {
            at: second(0),
            istio_version: None,
        };
        let validated = validate(&[source], options);
        let set = validated
            .policies
            .unwrap_or_else(|| panic!("{:?}", validated.diagnostics));
        let found = Candidate::all(&set).into_iter().map(|candidate| {
            let name = candidate.rule().unwrap_or("policy").to_owned();
            let ports = candidate.tcp_ports().into_iter();
            ports.fold(name, |text, port| format!("{text} {port}"))
        });
        assert_eq!(
            found.collect::<Vec<_>>().join(", "),
            expected,
            "{spec} {rules:?}"
        );
    }
}
