//! `RequestAuthentication` objects for rules that require tokens.

#![expect(
    clippy::indexing_slicing,
    reason = "what the tests share may fail as the tests do"
)]

use serde_json::{Value, json};

use super::ambient::mesh;

const NAMESPACE: &str = "\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
";

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: broker, namespace: shop}
spec:
  selector: {matchLabels: {app: broker}}
  template:
    metadata: {labels: {app: broker}}
    spec: {containers: [{name: b, image: x}]}
";

/// A `RequestAuthentication` in `namespace` that validates tokens of these issuers for pods with the label `app`.
fn request_authentication(
    name: &str,
    namespace: &str,
    app: Option<&str>,
    issuers: &[&str],
) -> String {
    let rules: Vec<_> = issuers
        .iter()
        .map(|issuer| json!({"issuer": issuer}))
        .collect();
    let mut spec = json!({"jwtRules": rules});
    if let Some(app) = app {
        spec["selector"] = json!({"matchLabels": {"app": app}});
    }
    let object = json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    });
    format!("{object}\n")
}

/// The findings if the only policy has this rule.
fn found(rule: &Value, validating: &[String]) -> Vec<[String; 3]> {
    let mut rule = rule.clone();
    rule["id"] = json!("users");
    rule["effect"] = json!("Allow");
    let spec = json!({"selector": {"matchLabels": {"app": "broker"}}, "rules": [rule]});
    let objects = [NAMESPACE, DEPLOYMENT].into_iter();
    let objects: Vec<_> = objects
        .chain(validating.iter().map(String::as_str))
        .collect();
    mesh(&spec, "1.30", &objects).findings()
}

fn issuer_rule() -> Value {
    json!({"from": [{"requestPrincipals": ["https://issuer.example/*"]}]})
}

fn claims_rule() -> Value {
    json!({"when": [{"key": "request.auth.claims[groups]", "values": ["staff"]}]})
}

/// Requests without a token match this rule.
fn no_claims_rule() -> Value {
    json!({"when": [{"key": "request.auth.claims[groups]", "notValues": ["banned"]}]})
}

#[test]
fn an_object_for_gateways_validates_no_tokens_at_sidecars() {
    let object = request_authentication("tokens", "shop", None, &["https://issuer.example"]);
    let mut object: Value = serde_json::from_str(&object).unwrap();
    object["spec"]["targetRefs"] =
        json!([{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "other"}]);
    let found = found(&issuer_rule(), &[format!("{object}\n")]);
    assert_eq!(found[0][0], "unvalidated-tokens");
}

#[test]
fn reports_tokens_that_are_not_validated() {
    let issuer = "https://issuer.example";
    let other = "https://other.example";
    let unvalidated = [[
        "unvalidated-tokens",
        "ServicePolicy shop/broker",
        "rule `users` requires tokens of `https://issuer.example/*`, but no `RequestAuthentication` for Deployment shop/broker validates them",
    ]];
    for (namespace, app, issuers, is_validated) in [
        ("shop", Some("broker"), [issuer].as_slice(), true),
        ("shop", None, &[other, issuer], true),
        ("istio-system", None, &[issuer], true),
        ("istio-system", Some("broker"), &[issuer], true),
        ("shop", Some("broker"), &[other], false),
        ("shop", Some("broker"), &[], false),
        ("shop", Some("other"), &[issuer], false),
        ("elsewhere", None, &[issuer], false),
    ] {
        let objects = [request_authentication("tokens", namespace, app, issuers)];
        let found = found(&issuer_rule(), &objects);
        if is_validated {
            assert_eq!(found, [[""; 3]; 0], "{namespace} {app:?} {issuers:?}");
        } else {
            assert_eq!(found, unvalidated, "{namespace} {app:?} {issuers:?}");
        }
    }
}

/// Rendered manifests may leave validation to other objects.
#[test]
fn notes_that_no_object_validates_tokens() {
    for (rule, tokens) in [
        (issuer_rule(), "tokens of `https://issuer.example/*`"),
        (claims_rule(), "tokens with certain claims"),
        (no_claims_rule(), "tokens with certain claims"),
    ] {
        let message =
            format!("rule `users` requires {tokens}, but no `RequestAuthentication` was read");
        let expected = ["not-checked", "ServicePolicy shop/broker", &message];
        assert_eq!(found(&rule, &[]), [expected]);
    }
}

#[test]
fn a_rule_without_tokens_needs_no_validation() {
    for rule in [
        json!({"from": [{"serviceAccounts": ["web"]}]}),
        json!({"from": [{"serviceAccounts": ["web"], "notRequestPrincipals": ["https://issuer.example/*"]}]}),
    ] {
        assert_eq!(found(&rule, &[]), [[""; 3]; 0], "{rule}");
    }
}

#[test]
fn a_rule_in_shadow_needs_no_validation() {
    let mut rule = issuer_rule();
    rule["enforcement"] = json!("Shadow");
    assert_eq!(found(&rule, &[]), [[""; 3]; 0]);
}

/// A second issuer can issue a token with any claims.
#[test]
fn reports_several_issuers_if_a_rule_names_none() {
    let objects = |issuers: [&str; 2]| {
        issuers.map(|issuer| {
            let (_, name) = issuer.split_once("//").unwrap();
            request_authentication(name, "shop", None, &[issuer])
        })
    };
    let both = objects(["https://a.example", "https://b.example"]);
    let message = "it is one of several that validate tokens for rule `users` of policy `shop/broker`, which accepts every issuer";
    let expected = ["a.example", "b.example"].map(|name| {
        [
            "foreign-object".to_owned(),
            format!("RequestAuthentication shop/{name}"),
            message.to_owned(),
        ]
    });
    assert_eq!(found(&claims_rule(), &both), expected);
    let one = [request_authentication(
        "a",
        "shop",
        None,
        &["https://a.example"],
    )];
    assert_eq!(found(&claims_rule(), &one), [[""; 3]; 0]);
    // A rule that names the issuer accepts only that one.
    let mut named = claims_rule();
    named["from"] = json!([{"requestPrincipals": ["https://a.example/*"]}]);
    assert_eq!(found(&named, &both), [[""; 3]; 0]);
}
