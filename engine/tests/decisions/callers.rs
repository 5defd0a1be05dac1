//! Decisions by caller.

use serde_json::{Value, json};

use super::{
    ANONYMOUS, BATCH, NONE, OK, OLD_CART, TestRequest, USUAL, VM, WEB, assert_answers,
    assert_matches, by,
};

pub(crate) fn checks_the_caller_before_any_rule() {
    let cases = [
        (USUAL, OK),
        (by(OLD_CART), OK),
        (by(VM), OK),
        (ANONYMOUS, "no-identity"),
        (by(""), "malformed-identity"),
        (
            by("spiffe://evil.com/ns/shop/sa/cart"),
            "foreign-trust-domain",
        ),
        (
            by("spiffe://cluster.local.evil.com/a"),
            "foreign-trust-domain",
        ),
        (by("spiffe://cluster.local"), "malformed-identity"),
        (
            by("spiffe://Cluster.Local/ns/shop/sa/cart"),
            "malformed-identity",
        ),
        (
            by("spiffe://cluster.local/a,spiffe://cluster.local/b"),
            "malformed-identity",
        ),
        (by("cart"), "malformed-identity"),
    ];
    assert_answers(&json!([{"id": "r", "effect": "Allow"}]), &cases);
    let everyone = json!([
        {"id": "r", "effect": "Allow"},
        {"id": "anyone", "effect": "Allow", "from": [{"anonymous": true}]},
    ]);
    assert_answers(
        &everyone,
        &[(USUAL, OK), (ANONYMOUS, "allowed-by-rule anyone")],
    );
    assert_answers(&json!([]), &[(USUAL, NONE), (ANONYMOUS, "no-identity")]);
    let denying = [
        (USUAL, "denied-by-rule r"),
        (ANONYMOUS, "denied-by-rule r"),
        (by("spiffe://evil.com/a"), "foreign-trust-domain"),
        (by("cart"), "malformed-identity"),
    ];
    assert_answers(&json!([{"id": "r", "effect": "Deny"}]), &denying);
}

pub(crate) fn matches_principals_in_every_spelling() {
    let cases: [(&str, &[TestRequest], &[TestRequest]); 14] = [
        ("*", &[USUAL, by(VM), by(OLD_CART)], &[]),
        (
            "cluster.local/ns/shop/sa/cart",
            &[USUAL, by(OLD_CART)],
            &[by(WEB), by(VM)],
        ),
        (
            "spiffe://old.local/ns/shop/sa/cart",
            &[USUAL, by(OLD_CART)],
            &[by(WEB)],
        ),
        (
            "cluster.local/ns/shop/sa/c*",
            &[USUAL, by(OLD_CART)],
            &[by(WEB)],
        ),
        (
            "cluster.local/ns/shop/sa/*",
            &[USUAL, by(OLD_CART), by(WEB)],
            &[by(BATCH)],
        ),
        // It does not have five segments, so it is not expanded to aliases.
        (
            "cluster.local/ns/shop/*",
            &[USUAL, by(WEB)],
            &[by(OLD_CART), by(BATCH)],
        ),
        ("cluster.local/*", &[USUAL, by(VM)], &[by(OLD_CART)]),
        ("spiffe://cluster*", &[USUAL, by(VM)], &[by(OLD_CART)]),
        ("old.local*", &[by(OLD_CART)], &[USUAL]),
        ("cluster.local/vm/7", &[by(VM)], &[USUAL]),
        ("*/sa/cart", &[USUAL, by(OLD_CART)], &[by(WEB), by(VM)]),
        ("*/ns/shop/sa/cart", &[USUAL, by(OLD_CART)], &[by(WEB)]),
        ("*7", &[by(VM)], &[USUAL]),
        ("*cart", &[USUAL], &[by("spiffe://cluster.local/cart/x")]),
    ];
    for (principal, matching, others) in cases {
        assert_matches(
            &json!({"from": [{"principals": [principal]}]}),
            matching,
            others,
        );
    }
}

pub(crate) fn matches_callers_by_account_namespace_and_trust_domain() {
    let deeper = by("spiffe://cluster.local/ns/shop/sa/cart/x");
    let cases: [(Value, &[TestRequest], &[TestRequest]); 9] = [
        (
            json!({"serviceAccounts": ["cart"]}),
            &[USUAL, by(OLD_CART)],
            &[by(WEB), deeper],
        ),
        (
            json!({"serviceAccounts": ["batch/run"]}),
            &[by(BATCH)],
            &[USUAL],
        ),
        (
            json!({"namespaces": ["shop"]}),
            &[USUAL, by(WEB), by(OLD_CART), deeper],
            &[by(BATCH), by(VM), by("spiffe://cluster.local/ns/shop")],
        ),
        (
            json!({"namespaces": ["s*", "*ch"]}),
            &[USUAL, by(BATCH)],
            &[by(VM)],
        ),
        (
            json!({"namespaces": ["*"]}),
            &[USUAL, by(BATCH), deeper],
            &[by(VM)],
        ),
        (
            json!({"trustDomains": ["old.local"]}),
            &[by(OLD_CART)],
            &[USUAL],
        ),
        (
            json!({"trustDomains": ["*.local"]}),
            &[by(OLD_CART), USUAL, by(VM)],
            &[],
        ),
        (
            json!({"namespaces": ["shop"], "trustDomains": ["old.local"]}),
            &[by(OLD_CART)],
            &[USUAL, by(BATCH)],
        ),
        (
            json!({"principals": ["*"], "notServiceAccounts": ["cart"], "notNamespaces": ["batch"]}),
            &[by(WEB)],
            &[USUAL, by(OLD_CART), by(BATCH)],
        ),
    ];
    for (source, matching, others) in cases {
        assert_matches(&json!({"from": [source]}), matching, others);
    }
}
