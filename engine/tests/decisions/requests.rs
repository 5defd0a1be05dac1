//! Decisions by request, including missing attributes.

use serde_json::{Value, json};

use super::{
    ANONYMOUS, BARE, BATCH, NONE, OK, TestRequest, USUAL, VM, assert_answers, assert_matches, by,
    host, path, port, to,
};

pub(crate) fn matches_requests_by_method_path_host_and_port() {
    let cases: [(Value, &[TestRequest], &[TestRequest]); 14] = [
        (
            json!({"methods": ["GET"]}),
            &[USUAL],
            &[to("get", "/"), to("POST", "/"), BARE],
        ),
        (
            json!({"methods": ["P*"]}),
            &[to("POST", "/"), to("PUT", "/")],
            &[USUAL],
        ),
        (
            json!({"methods": ["*"]}),
            &[USUAL, to("x", "/"), to("", "/")],
            &[BARE],
        ),
        (
            json!({"paths": ["/orders"]}),
            &[USUAL, path("/orders?id=1"), path("/orders#top")],
            &[
                path("/orders/"),
                path("/Orders"),
                path("/orders%3f"),
                path("/x?/orders"),
                BARE,
            ],
        ),
        (
            json!({"paths": ["/orders*"]}),
            &[USUAL, path("/orders-old")],
            &[path("/order"), path("/")],
        ),
        (
            json!({"paths": ["*.png"]}),
            &[path("/a.png"), path("/.png?x")],
            &[path("/a?.png")],
        ),
        (
            json!({"paths": ["*"]}),
            &[USUAL, path("/")],
            &[path(""), path("?x"), BARE],
        ),
        (
            json!({"paths": ["/a/{**}"]}),
            &[path("/a/"), path("/a/b/c")],
            &[path("/a"), path("/ab/")],
        ),
        (
            json!({"paths": ["/store/{**}/cart"]}),
            &[path("/store//cart"), path("/store/x/y/cart")],
            &[path("/store/cart"), path("/store/x/cart/")],
        ),
        (
            json!({"paths": ["/foo/{*}/x"]}),
            &[path("/foo/a/x")],
            &[path("/foo//x"), path("/foo/a/b/x")],
        ),
        (
            json!({"hosts": ["Orders.Shop:8080"]}),
            &[USUAL, host("ORDERS.SHOP:8080")],
            &[host("orders.shop"), host("x.orders.shop:8080"), BARE],
        ),
        (
            json!({"hosts": ["orders*", "*.Test"]}),
            &[USUAL, host("A.TEST")],
            &[host("test")],
        ),
        (
            json!({"ports": [8080, 9090]}),
            &[USUAL, port(9090)],
            &[port(80), BARE],
        ),
        (
            json!({"methods": ["GET"], "paths": ["/o*"], "notPaths": ["*s"], "notPorts": [9090]}),
            &[path("/order")],
            &[
                USUAL,
                to("PUT", "/order"),
                TestRequest {
                    port: Some(9090),
                    ..path("/order")
                },
            ],
        ),
    ];
    for (operation, matching, others) in cases {
        assert_matches(&json!({"to": [operation]}), matching, others);
    }
}

pub(crate) fn missing_attributes_count_against_the_caller() {
    let rule = |effect: &str, from: Value, to: Value| {
        let mut rule = json!({"id": "r", "effect": effect});
        for (key, value) in [("from", from), ("to", to)] {
            if !value.is_null() {
                rule[key] = json!([value]);
            }
        }
        json!([rule])
    };
    let operations = [
        json!({"notMethods": ["PUT"]}),
        json!({"notPaths": ["/x"]}),
        json!({"notHosts": ["x"]}),
        json!({"notPorts": [1]}),
    ];
    for operation in operations {
        let allow = rule("Allow", Value::Null, operation.clone());
        assert_answers(&allow, &[(USUAL, OK), (BARE, NONE)]);
        let deny = rule("Deny", Value::Null, operation);
        assert_answers(
            &deny,
            &[(USUAL, "denied-by-rule r"), (BARE, "denied-by-rule r")],
        );
    }
    let sources = [
        json!({"notPrincipals": ["*/x"]}),
        json!({"notServiceAccounts": ["x"]}),
        json!({"notNamespaces": ["x"]}),
        json!({"notTrustDomains": ["old.local"]}),
    ];
    for source in sources {
        let allow = rule("Allow", source.clone(), Value::Null);
        assert_answers(&allow, &[(USUAL, OK), (ANONYMOUS, "no-identity")]);
        let deny = rule("Deny", source, Value::Null);
        assert_answers(
            &deny,
            &[(USUAL, "denied-by-rule r"), (ANONYMOUS, "denied-by-rule r")],
        );
    }
    let no_namespace = json!({"notNamespaces": ["shop"]});
    let allow = rule("Allow", no_namespace.clone(), Value::Null);
    assert_answers(&allow, &[(by(VM), OK), (by(BATCH), OK), (USUAL, NONE)]);
    let deny = rule("Deny", no_namespace, Value::Null);
    assert_answers(&deny, &[(by(VM), "denied-by-rule r"), (USUAL, NONE)]);
    // With a positive condition, only verified callers.
    let everyone = rule("Deny", json!({"principals": ["*"]}), Value::Null);
    assert_answers(
        &everyone,
        &[(USUAL, "denied-by-rule r"), (ANONYMOUS, "no-identity")],
    );
}
