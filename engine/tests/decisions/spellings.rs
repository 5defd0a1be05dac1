//! Requests that a client can spell in several ways: repeated headers, hosts, path templates.

use serde_json::{Value, json};

use super::{NONE, OK, TestRequest, USUAL, assert_answers, host, path};

const DENIED: &str = "denied-by-rule r";

/// Checks the decisions of an `Allow` rule and a `Deny` rule with the same matchers.
fn assert_both(rule: &Value, cases: &[(TestRequest, &'static str, &'static str)]) {
    for (effect, of_allow) in [("Allow", true), ("Deny", false)] {
        let mut rule = rule.clone();
        rule["id"] = json!("r");
        rule["effect"] = json!(effect);
        let cases: Vec<_> = cases
            .iter()
            .map(|&(asked, allow, deny)| (asked, if of_allow { allow } else { deny }))
            .collect();
        assert_answers(&json!([rule]), &cases);
    }
}

const fn with(headers: &'static [(&'static str, &'static str)]) -> TestRequest {
    TestRequest { headers, ..USUAL }
}

const fn sni(name: &'static str) -> TestRequest {
    TestRequest {
        server_name: Some(name),
        ..USUAL
    }
}

pub(crate) fn a_repeated_header_is_denied_by_any_value_and_allowed_by_all() {
    let when = |key: &str, list: &str, values: &[&str]| json!({"when": [{"key": format!("request.headers[{key}]"), list: values}]});
    let apart = with(&[("x-tenant", "good"), ("X-Tenant", "evil")]);
    let good_twice = with(&[("x-tenant", "good"), ("x-tenant", "good")]);
    let joined = with(&[("x-tenant", "good,evil")]);
    let spaced = with(&[("x-tenant", "x , evil\t, y")]);
    let good = with(&[("x-tenant", "good")]);
    assert_both(
        &when("X-Tenant", "values", &["good"]),
        &[
            (good, OK, DENIED),
            (good_twice, OK, DENIED),
            (apart, NONE, DENIED),
            (joined, NONE, DENIED),
            (USUAL, NONE, NONE),
        ],
    );
    assert_both(
        &when("x-tenant", "notValues", &["evil"]),
        &[
            (good, OK, DENIED),
            (apart, NONE, DENIED),
            (joined, NONE, DENIED),
            (spaced, NONE, DENIED),
            (with(&[("x-tenant", "evil")]), NONE, NONE),
            (
                with(&[("x-tenant", "evil"), ("x-tenant", "evil")]),
                NONE,
                NONE,
            ),
            (USUAL, OK, DENIED),
        ],
    );
    for pattern in ["evil/*", "*il/1", "evil/1"] {
        assert_both(
            &when("user-agent", "values", &[pattern]),
            &[
                (with(&[("user-agent", "evil/1")]), OK, DENIED),
                (with(&[("user-agent", "a (b, c),evil/1, x")]), NONE, DENIED),
                (with(&[("user-agent", "revil/12,a")]), NONE, NONE),
            ],
        );
    }
    // A pattern in an `Allow` rule is compared with every part.
    for (pattern, evil) in [("good*", "good,evil"), ("*good", "evil,good")] {
        let evil = with(match evil {
            "good,evil" => &[("user-agent", "good,evil")],
            _ => &[("user-agent", "evil,good")],
        });
        let good = with(&[("user-agent", "good, good")]);
        assert_both(
            &when("user-agent", "values", &[pattern]),
            &[(evil, NONE, DENIED), (good, OK, DENIED)],
        );
        assert_both(
            &when("user-agent", "notValues", &[pattern]),
            &[(evil, NONE, DENIED), (good, NONE, NONE)],
        );
    }
    let browser = with(&[(
        "user-agent",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130",
    )]);
    assert_both(
        &when("user-agent", "values", &["Mozilla/*", "like Gecko)*"]),
        &[(browser, OK, DENIED)],
    );
    assert_both(
        &when("user-agent", "values", &["Mozilla/*"]),
        &[(browser, NONE, DENIED)],
    );
    assert_both(
        &when("user-agent", "values", &["*"]),
        &[(browser, OK, DENIED)],
    );
    // Longer values are not split.
    for long in [
        "good,".repeat(256) + "good",
        "good,".to_owned() + &"x".repeat(16_384),
    ] {
        let long: &'static [_] = Vec::leak(vec![("x-tenant", &*String::leak(long))]);
        assert_both(
            &when("x-tenant", "values", &["good*"]),
            &[(with(long), NONE, DENIED)],
        );
        assert_both(
            &when("x-tenant", "values", &["evil*"]),
            &[(with(long), NONE, DENIED)],
        );
    }
    // The pattern contains a comma.
    assert_both(
        &when("x-list", "values", &["a,b"]),
        &[
            (with(&[("x-list", "a,b")]), OK, DENIED),
            (with(&[("x-list", "x, a,b ,y")]), NONE, DENIED),
            (with(&[("x-list", "xa,b")]), NONE, NONE),
            (with(&[("x-list", "a"), ("x-list", "b")]), NONE, DENIED),
        ],
    );
    assert_both(
        &when("cookie", "values", &["session=evil"]),
        &[
            (with(&[("cookie", "session=evil")]), OK, DENIED),
            (with(&[("cookie", "a=b; session=evil")]), NONE, DENIED),
            (
                with(&[("cookie", "a=b"), ("cookie", "session=evil")]),
                NONE,
                DENIED,
            ),
            (with(&[("cookie", "a=b,session=evil")]), NONE, DENIED),
        ],
    );
    let many: &[&str] = &["a", "b", "c", "d", "e", "f", "g", "h", "evil*", "x,y"];
    assert_both(
        &when("accept", "values", many),
        &[
            (with(&[("accept", "z, evil/1")]), NONE, DENIED),
            (with(&[("accept", "z, x,y")]), NONE, DENIED),
            (with(&[("accept", "z, xx,y")]), NONE, NONE),
        ],
    );
    // A path is a single value.
    assert_both(
        &when(":path", "values", &["/b*"]),
        &[(path("/a,/b"), NONE, NONE), (path("/b,/a"), OK, DENIED)],
    );
}

pub(crate) fn denies_a_host_in_every_spelling() {
    let spellings = [
        "admin.shop.",
        "admin.shop:",
        "x@admin.shop",
        "x:y@admin.shop.",
        "admin.shop,orders.shop",
        "orders.shop, ADMIN.shop",
        "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a",
        "admin%2Eshop",
        "x@%61DMIN.shop%2e",
    ];
    for operation in [
        json!({"to": [{"hosts": ["admin.shop"]}]}),
        json!({"when": [{"key": "request.headers[:authority]", "values": ["admin.shop"]}]}),
        json!({"when": [{"key": "request.headers[Host]", "values": ["Admin.shop", "admin.shop"]}]}),
    ] {
        assert_both(
            &operation,
            &[
                (host("admin.shop"), OK, DENIED),
                (host("admin.shop:80"), NONE, NONE),
                (host("orders.shop"), NONE, NONE),
            ],
        );
        for spelling in spellings {
            assert_both(&operation, &[(host(spelling), NONE, DENIED)]);
        }
    }
    let excluded = json!({"to": [{"notHosts": ["admin.shop"]}]});
    for spelling in spellings {
        assert_both(&excluded, &[(host(spelling), NONE, DENIED)]);
    }
    for (written, asked) in [
        ("admin.shop:80", "admin.shop.:080"),
        ("admin.shop:*", "admin.shop.:http"),
        ("*.shop", "x@admin.shop."),
        ("admin*", "x@ADMIN.shop"),
    ] {
        let rule = json!({"to": [{"hosts": [written]}]});
        assert_both(&rule, &[(host(asked), NONE, DENIED)]);
    }
    let names = json!({"when": [{"key": "connection.sni", "values": ["admin.shop"]}]});
    assert_both(
        &names,
        &[
            (sni("admin.shop"), OK, DENIED),
            (sni("admin.shop."), NONE, DENIED),
            (sni("admin.shop.x"), NONE, NONE),
        ],
    );
}

pub(crate) fn templates_deny_every_character_and_allow_istios() {
    for (template, usual, odd) in [
        ("/admin/{**}", "/admin/users", "/admin/users["),
        ("/admin/{**}", "/admin/", "/admin/]/|"),
        ("/a/{*}/b", "/a/x/b", "/a/{x}/b"),
        ("/a/{**}/b", "/a/x/b", "/a/\u{e9}/b"),
    ] {
        let asked = json!({"to": [{"paths": [template]}]});
        assert_both(
            &asked,
            &[(path(usual), OK, DENIED), (path(odd), NONE, DENIED)],
        );
        let excluded = json!({"to": [{"notPaths": [template]}]});
        assert_both(
            &excluded,
            &[
                (path(usual), NONE, NONE),
                (path(odd), NONE, DENIED),
                (path("/"), OK, DENIED),
            ],
        );
    }
}

pub(crate) fn allows_an_ambiguous_host_only_as_listed() {
    let ambiguous = [
        "orders.shop,admin.shop",
        "orders.x@admin.shop",
        "orders.x%40admin.shop",
    ];
    for named in ambiguous {
        for pattern in ["orders.*", "*.shop"] {
            for rule in [
                json!({"to": [{"hosts": [pattern]}]}),
                json!({"when": [{"key": "request.headers[host]", "values": [pattern]}]}),
                json!({"when": [{"key": "request.headers[:authority]", "values": [pattern]}]}),
            ] {
                let cases = [
                    (host(named), NONE, DENIED),
                    (host("orders.shop"), OK, DENIED),
                ];
                assert_both(&rule, &cases);
            }
            let excluded = json!({"to": [{"notHosts": [pattern]}]});
            let cases = [
                (host(named), NONE, DENIED),
                (host("orders.shop"), NONE, NONE),
            ];
            assert_both(&excluded, &cases);
        }
        for rule in [
            json!({"to": [{"hosts": ["*"]}]}),
            json!({"when": [{"key": "request.headers[host]", "values": ["*"]}]}),
            json!({"when": [{"key": "request.headers[:authority]", "values": [named]}]}),
        ] {
            assert_both(&rule, &[(host(named), OK, DENIED)]);
        }
    }
    let long: &'static str = String::leak("a".repeat(5_000));
    let rule = json!({"to": [{"hosts": ["admin.shop"]}]});
    assert_both(&rule, &[(host(long), NONE, DENIED)]);
}
