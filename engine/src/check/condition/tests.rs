use serde_json::{Value, json};

use crate::check::tests::problems_of;
use crate::rule_spec::Enforcement;

fn problems_of_condition(condition: &Value) -> Vec<String> {
    let rules = json!([{"id": "r", "effect": "Allow", "when": [condition]}]);
    problems_of(&rules, Enforcement::Enforce)
        .into_iter()
        .map(|problem| problem.replace("rules[0].when[0]", "."))
        .collect()
}

/// A key, values that it accepts, and values that it rejects with their codes.
type Key = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// What each of Istio's keys accepts, and what it rejects with which code.
const KEYS: [Key; 22] = [
    (
        "source.ip",
        &["10.0.0.1", "::/0"],
        &[("x", "invalid-ip-block")],
    ),
    ("remote.ip", &["10.0.0.0/8"], &[("*", "invalid-ip-block")]),
    (
        "destination.ip",
        &["::1"],
        &[("10.0.0.1/8", "invalid-ip-block")],
    ),
    (
        "destination.port",
        &["1", "65535"],
        &[
            ("0", "invalid-value"),
            ("65536", "invalid-value"),
            ("+80", "invalid-value"),
            ("080", "invalid-value"),
            ("http", "invalid-value"),
            ("80*", "invalid-value"),
        ],
    ),
    (
        "source.namespace",
        &["shop", "s*", "*p", "*"],
        &[("a*b", "invalid-wildcard")],
    ),
    (
        "source.serviceAccount",
        &["web", "shop/web"],
        &[("*", "invalid-service-account")],
    ),
    (
        "source.trustDomain",
        &["old.local", "*"],
        &[("evil", "foreign-trust-domain")],
    ),
    (
        "source.principal",
        &[
            "cluster.local/ns/shop/sa/web",
            "*",
            "spiffe://cluster.local/*",
        ],
        &[("evil/ns/a/sa/b", "foreign-trust-domain")],
    ),
    (
        "request.auth.principal",
        &["*", "https://a/b", "*/b"],
        &[("https", "invalid-value"), ("a*b/c", "invalid-wildcard")],
    ),
    (
        "request.auth.audiences",
        &["a", "*"],
        &[("a*b", "invalid-wildcard")],
    ),
    ("request.auth.presenter", &["a"], &[("", "empty-value")]),
    (
        "request.auth.claims[groups]",
        &["a", "a*", "*a", "*"],
        &[("*a*", "invalid-wildcard")],
    ),
    ("request.auth.claims[a][b][c]", &["x"], &[]),
    (
        "request.headers[X-Tenant]",
        &["a", "a b", "A*", "*"],
        &[("a\u{7}", "invalid-value")],
    ),
    (
        "request.headers[:path]",
        &["/a?b=*"],
        &[("", "empty-value")],
    ),
    ("request.headers[:authority]", &["a"], &[]),
    ("request.headers[:method]", &["GET"], &[]),
    ("request.headers[:scheme]", &["https"], &[]),
    (
        "connection.sni",
        &["a.example", "*.example", "*"],
        &[("A.example", "invalid-value")],
    ),
    (
        "experimental.envoy.filters.a.b.c[key]",
        &["x", "[x]", "[*]", "[x*]"],
        &[("[]", "empty-value"), ("[a*b]", "invalid-wildcard")],
    ),
    ("experimental.envoy.filters.a[b.c]", &["x"], &[]),
    ("request.headers[x!#$%&'*+-.^_`|~]", &["x"], &[]),
];

#[test]
fn each_key_accepts_only_its_own_values() {
    for (key, taken, refused) in KEYS {
        for list in ["values", "notValues"] {
            for &value in taken {
                let condition = json!({"key": key, list: [value]});
                assert_eq!(problems_of_condition(&condition), [""; 0], "{condition}");
            }
            for (value, code) in refused {
                let condition = json!({"key": key, list: [value]});
                let problem = format!("{code} at ..{list}[0]");
                assert_eq!(problems_of_condition(&condition), [problem], "{condition}");
            }
        }
    }
}

#[test]
fn rejects_keys_unknown_to_istio() {
    for key in [
        "",
        "source",
        "source.user",
        "Source.ip",
        "source.ip ",
        "destination.name",
        "destination.labels[app]",
        "request.headers",
        "request.headers[]",
        "request.headers[a][b]",
        "request.headersX[a]",
        "request.headers[a b]",
        "request.headers[:status]",
        "request.headers[é]",
        "request.headers[a",
        "request.auth.claims",
        "request.auth.claims[]",
        "request.auth.claims[a][]",
        "request.auth.claims[a]b[c]",
        "request.auth.claims[a]]",
        "experimental.envoy.filters.[a]",
        "experimental.envoy.filters.x",
        "experimental.envoy.filters.x[a][b]",
    ] {
        let condition = json!({"key": key, "values": ["x"]});
        assert_eq!(
            problems_of_condition(&condition),
            ["unknown-condition at ..key"],
            "{key}"
        );
    }
}

#[test]
fn requires_values_or_not_values() {
    let key = "connection.sni";
    for (condition, problem) in [
        (json!({"key": key}), "empty-matcher at ."),
        (json!({"key": key, "values": []}), "empty-list at ..values"),
        (
            json!({"key": key, "notValues": []}),
            "empty-list at ..notValues",
        ),
    ] {
        assert_eq!(problems_of_condition(&condition), [problem], "{condition}");
    }
    let both = json!({"key": key, "values": ["a"], "notValues": ["b"]});
    assert_eq!(problems_of_condition(&both), [""; 0]);
}
