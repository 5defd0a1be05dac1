//! Which of several rules decides: by effect, by time, in shadow, and among many.

use peergate_engine::engine::{CompiledPolicy, Request};
use peergate_engine::identity::PeerIdentity;
use peergate_engine::timestamp::Timestamp;
use serde_json::json;

use super::{
    ANONYMOUS, BATCH, CART, NONE, TestRequest, USUAL, WEB, answer, assert_answers, at, by, compile,
    config, path, port, to,
};

pub(crate) fn deny_precedes_allow_and_the_first_rule_is_reported() {
    let rules = json!([
        {"id": "a", "effect": "Allow", "to": [{"paths": ["/a*"]}]},
        {"id": "b", "effect": "Allow", "from": [{"namespaces": ["shop"]}]},
        {"id": "c", "effect": "Deny", "from": [{"serviceAccounts": ["web"]}], "to": [{"methods": ["PUT"]}]},
        {"id": "d", "effect": "Deny", "to": [{"methods": ["PUT"], "paths": ["/x"]}, {"paths": ["/admin/{**}"]}]},
    ]);
    let put = |peer| TestRequest {
        method: Some("PUT"),
        ..by(peer)
    };
    let cases = [
        (path("/a"), "allowed-by-rule a"),
        (path("/b"), "allowed-by-rule b"),
        (
            TestRequest {
                path: Some("/a"),
                ..by(BATCH)
            },
            "allowed-by-rule a",
        ),
        (by(BATCH), NONE),
        (put(CART), "allowed-by-rule b"),
        (put(WEB), "denied-by-rule c"),
        (
            TestRequest {
                path: Some("/x"),
                ..put(WEB)
            },
            "denied-by-rule c",
        ),
        (to("PUT", "/x"), "denied-by-rule d"),
        (path("/admin/users"), "denied-by-rule d"),
        (
            TestRequest {
                peer: None,
                ..path("/admin/")
            },
            "denied-by-rule d",
        ),
    ];
    assert_answers(&rules, &cases);
}

pub(crate) fn applies_rules_within_their_validity() {
    let rules = json!([
        {"id": "late", "effect": "Allow", "notBefore": "2026-03-01T00:00:00Z"},
        {"id": "early", "effect": "Allow", "notAfter": "2026-01-01T00:00:00Z"},
        {"id": "ban", "effect": "Deny", "notBefore": "2026-04-01T00:00:00Z", "notAfter": "2026-05-01T00:00:00Z"},
    ]);
    let cases = [
        (
            at("2025-12-31T23:59:59.999999999Z"),
            "allowed-by-rule early",
        ),
        (at("2026-01-01T00:00:00Z"), "rule-not-yet-valid late"),
        (
            at("2026-02-28T23:59:59.999999999Z"),
            "rule-not-yet-valid late",
        ),
        (at("2026-03-01T00:00:00Z"), "allowed-by-rule late"),
        (at("2026-04-01T00:00:00Z"), "denied-by-rule ban"),
        (at("2026-04-30T23:59:59.999999999Z"), "denied-by-rule ban"),
        (at("2026-05-01T00:00:00Z"), "allowed-by-rule late"),
    ];
    assert_answers(&rules, &cases);
    let expired = json!([
        {"id": "other", "effect": "Allow", "notAfter": "2026-01-01T00:00:00Z", "to": [{"ports": [1]}]},
        {"id": "gone", "effect": "Allow", "notAfter": "2026-01-01T00:00:00Z"},
        {"id": "coming", "effect": "Allow", "notBefore": "2027-01-01T00:00:00Z"},
    ]);
    let cases = [
        (USUAL, "expired-rule gone"),
        (port(1), "expired-rule other"),
        (ANONYMOUS, "no-identity"),
    ];
    assert_answers(&expired, &cases);
}

pub(crate) fn shadow_rules_are_recorded_and_never_decide() {
    let rules = json!([
        {"id": "a", "effect": "Deny", "enforcement": "Shadow", "to": [{"paths": ["/o*", "/orders", "*"]}]},
        {"id": "r", "effect": "Allow", "from": [{"namespaces": ["shop"]}]},
        {"id": "b", "effect": "Allow", "enforcement": "Shadow", "from": [{"principals": ["*"]}, {"namespaces": ["*"]}]},
        {"id": "c", "effect": "Deny", "enforcement": "Shadow", "notAfter": "2026-01-01T00:00:00Z"},
    ]);
    let cases = [
        (USUAL, "allowed-by-rule r ~a ~b"),
        (by(BATCH), "no-rule-matched ~a ~b"),
        (ANONYMOUS, "no-identity ~a"),
        (by("cart"), "malformed-identity"),
        (by("spiffe://evil.com/a"), "foreign-trust-domain"),
        (at("2025-06-01T00:00:00Z"), "allowed-by-rule r ~a ~b ~c"),
    ];
    assert_answers(&rules, &cases);
}

pub(crate) fn a_shadow_policy_lets_every_request_pass() {
    let mut config = config(&json!([{"id": "r", "effect": "Deny"}]));
    for (enforcement, lets_pass) in [("Enforce", false), ("Shadow", true)] {
        config["enforcement"] = json!(enforcement);
        let policy = CompiledPolicy::from_json(config.to_string().as_bytes()).expect("a policy");
        assert_eq!(answer(&policy, USUAL), "denied-by-rule r", "{enforcement}");
        let request =
            Request::from_peer(PeerIdentity::Malformed, Timestamp::from_unix_nanoseconds(0));
        assert_eq!(
            policy.evaluate(&request).lets_pass(),
            lets_pass,
            "{enforcement}"
        );
    }
}

pub(crate) fn distinguishes_a_thousand_rules() {
    let rule = |number: usize| {
        json!({
            "id": format!("r{number}"),
            "effect": if number % 10 == 9 { "Deny" } else { "Allow" },
            "from": [{"serviceAccounts": [format!("ns{}/sa{number}", number % 7)]}],
            "to": [{"methods": ["GET"], "paths": [format!("/p{number}"), format!("/t{number}/{{*}}")]}],
        })
    };
    let policy = compile(&(0..1_000).map(rule).collect());
    assert_eq!(policy.rules().len(), 1_000);
    for number in 0..1_000 {
        let peer: &str = &format!("spiffe://old.local/ns/ns{}/sa/sa{number}", number % 7);
        let code = if number % 10 == 9 {
            "denied-by-rule"
        } else {
            "allowed-by-rule"
        };
        let cases = [
            (format!("/p{number}"), format!("{code} r{number}")),
            (format!("/t{number}/x"), format!("{code} r{number}")),
            (format!("/t{number}/"), NONE.to_owned()),
            (format!("/p{}", number + 1), NONE.to_owned()),
        ];
        for (path, expected) in cases {
            let request = Request {
                method: Some(b"GET"),
                path: Some(path.as_bytes()),
                ..Request::from_peer(
                    PeerIdentity::from_uri_san(Some(peer.as_bytes())),
                    Timestamp::from_unix_nanoseconds(0),
                )
            };
            let reason = policy.evaluate(&request).reason();
            let rule = reason.rule().map(|rule| format!(" {}", rule.id()));
            let actual = format!("{}{}", reason.code(), rule.unwrap_or_default());
            assert_eq!(actual, expected, "{peer} {path}");
        }
    }
}

/// Many templates of one caller with the same prefix or suffix.
pub(crate) fn distinguishes_templates_with_a_common_prefix_or_suffix() {
    let rule = |number: usize| {
        json!({
            "id": format!("r{number}"),
            "effect": "Allow",
            "to": [{"paths": [
                format!("/api/{{*}}/x{number}"),
                format!("/api/{{**}}/y{number}/"),
                format!("/{{*}}/z{number}/items"),
                format!("/api/{{*}}/n{number}/{{*}}"),
            ]}],
        })
    };
    let policy = compile(&(0..100).map(rule).collect());
    let cases = [
        ("/api/a/x{}", true),
        ("/api/a/xx{}", false),
        ("/api//x{}", false),
        ("/api/a/b/x{}", false),
        ("/other/a/x{}", false),
        ("/api//y{}/", true),
        ("/api/a/b/y{}/", true),
        ("/api/y{}/", false),
        ("/api/a/y{}", false),
        ("/a/z{}/items", true),
        ("/api/z{}/items", true),
        ("/a/z{}/item", false),
        ("/api/a/n{}/b", true),
        ("/api/a/n{}/", false),
    ];
    for number in 0..100 {
        for (path, is_allowed) in cases {
            let path = path.replace("{}", &number.to_string());
            let request = Request {
                path: Some(path.as_bytes()),
                ..Request::from_peer(
                    PeerIdentity::from_uri_san(Some(b"spiffe://cluster.local/ns/a/sa/b")),
                    Timestamp::from_unix_nanoseconds(0),
                )
            };
            let reason = policy.evaluate(&request).reason();
            let expected = is_allowed.then(|| format!("r{number}"));
            let actual = reason.rule().map(|rule| rule.id().to_owned());
            assert_eq!(actual, expected, "{path}");
        }
    }
}
