use serde_json::{Value, json};

use crate::check::tests::{problem_of_value, problems_of};
use crate::rule_spec::Enforcement;

fn assert_accepted(key: &str, values: &[&str]) {
    for &value in values {
        let problem = problem_of_value("to", key, &Value::from(value));
        assert_eq!(problem, None, "{key}: {value}");
    }
}

fn assert_rejected(key: &str, code: &str, values: &[&str]) {
    for &value in values {
        let problem = problem_of_value("to", key, &Value::from(value));
        assert_eq!(problem.as_deref(), Some(code), "{key}: {value}");
    }
}

const STRAY_STARS: [&str; 5] = ["**", "A*B", "*A*", "A**", "**A"];

#[test]
fn accepts_only_upper_case_methods() {
    for key in ["methods", "notMethods"] {
        assert_accepted(
            key,
            &[
                "*",
                "GET",
                "P*",
                "*T",
                "M-SEARCH",
                "X_Y",
                "GET2",
                "!#$%&'+-.^_`|~",
            ],
        );
        assert_rejected(key, "empty-value", &[""]);
        assert_rejected(key, "invalid-wildcard", &STRAY_STARS);
        assert_rejected(
            key,
            "invalid-value",
            &[
                "get", "Get", "GET ", "G ET", "GET,PUT", "GET/", "É", "p*", "*t",
            ],
        );
    }
}

#[test]
fn accepts_only_paths_that_requests_can_have() {
    for key in ["paths", "notPaths"] {
        assert_accepted(
            key,
            &[
                "*",
                "/",
                "/a",
                "/a/",
                "//",
                "/a*",
                "/*",
                "*a",
                "*.png",
                "*/a",
                "/a%20b",
                "/a:b@c",
                "/{*}",
                "/{**}",
                "/a/{*}/b/{**}/c",
                "/{*}/",
                "/~!$&'()+,;=[]|",
            ],
        );
        assert_rejected(key, "empty-value", &[""]);
        assert_rejected(
            key,
            "invalid-wildcard",
            &["**", "/a*b", "*a*", "/a**", "/*/a", "/a/**"],
        );
        assert_rejected(
            key,
            "invalid-path-template",
            &[
                "{*}",
                "/a{*}",
                "/{**}/{*}",
                "/a//{*}",
                "//{**}",
                "/{*}/a*",
                "/{id}",
                "/a/{",
                "}*",
                "*{id}",
                "/{*}?a",
            ],
        );
        assert_rejected(
            key,
            "invalid-value",
            &[
                "a", "a*", "a/b", "/a?b", "/a#b", "/a?*", "*?a", "/a b", "/é", "*\n", "?*",
                "\u{0}*",
            ],
        );
    }
}

#[test]
fn accepts_authorities_in_any_case() {
    for key in ["hosts", "notHosts"] {
        assert_accepted(
            key,
            &[
                "*",
                "cart",
                "Cart.Shop",
                "cart.shop:7070",
                "*.shop",
                "*.Shop:7070",
                "cart*",
                "cart:*",
                "[::1]:80",
                "*:443",
            ],
        );
        assert_rejected(key, "empty-value", &[""]);
        assert_rejected(key, "invalid-wildcard", &STRAY_STARS);
        assert_rejected(
            key,
            "invalid-value",
            &[
                "http://cart",
                "cart/",
                "cart/a",
                "cart?a",
                "cart#a",
                "user@cart",
                "a b",
                "bücher",
                "*/a",
                "cart/*",
            ],
        );
    }
}

#[test]
fn rejects_port_zero() {
    for key in ["ports", "notPorts"] {
        for (port, expected) in [(0, Some("invalid-value")), (1, None), (u16::MAX, None)] {
            let problem = problem_of_value("to", key, &Value::from(port));
            assert_eq!(problem.as_deref(), expected, "{key}: {port}");
        }
    }
}

#[test]
fn reports_empty_lists_and_matchers_at_their_location() {
    let lists = [
        "methods",
        "notMethods",
        "paths",
        "notPaths",
        "hosts",
        "notHosts",
        "ports",
        "notPorts",
    ];
    for key in lists {
        let rules = json!([{"id": "r", "effect": "Deny", "to": [{"ports": [1]}, {key: []}]}]);
        let expected = [format!("empty-list at rules[0].to[1].{key}")];
        assert_eq!(problems_of(&rules, Enforcement::Enforce), expected, "{key}");
    }
    let rules = json!([{"id": "r", "effect": "Deny", "to": [{}]}]);
    let expected = ["empty-matcher at rules[0].to[0]"];
    assert_eq!(problems_of(&rules, Enforcement::Enforce), expected);
}
