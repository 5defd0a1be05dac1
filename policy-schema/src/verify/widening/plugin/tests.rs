//! Compares plugin configs that are, or are not, wider than others.

use super::*;
use serde_json::json;

fn object(config: &Value) -> Object {
    Object::new(json!({
        "apiVersion": "extensions.istio.io/v1alpha1",
        "kind": "WasmPlugin",
        "metadata": {"name": "cart-peergate", "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": "cart"}}, "pluginConfig": config},
    }))
    .unwrap()
}

/// A plugin config with `rules`. Fields in `more` override the usual ones.
fn of(rules: &Value, more: &Value) -> Value {
    let mut config = json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "mesh": {"trustDomain": "cluster.local"},
        "policy": {"namespace": "shop", "name": "cart"},
        "rules": rules,
    });
    let fields = config.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    config
}

fn found(old: &Value, new: &Value) -> Vec<String> {
    let at = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
    wider(&object(old), &object(new), "/spec", at)
}

fn rule(effect: &str, more: &Value) -> Value {
    let mut rule = json!({"id": "r", "effect": effect});
    let fields = rule.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    rule
}

const LOSES: &str =
    "policy `shop/cart` no longer denies everything that its existing rule `r` denies";
const GAINS: &str =
    "no existing rule of policy `shop/cart` allows everything that rendered rule `r` allows";

#[test]
fn compares_rules_with_the_same_id() {
    let web = json!({"from": [{"serviceAccounts": ["web"]}]});
    for (narrow, wide) in [
        (web.clone(), json!({})),
        (
            web.clone(),
            json!({"from": [{"serviceAccounts": ["web", "shop"]}]}),
        ),
        (
            json!({"from": [{"notNamespaces": ["a"]}]}),
            json!({"from": [{"notNamespaces": ["a"]}, {"namespaces": ["b"]}]}),
        ),
        (
            json!({"from": [{"notNamespaces": ["a", "b"]}]}),
            json!({"from": [{"notNamespaces": ["a"]}]}),
        ),
        (
            json!({"to": [{"paths": ["/a"], "ports": [80]}]}),
            json!({"to": [{"paths": ["/a"]}]}),
        ),
        (
            json!({"to": [{"paths": ["/a"], "notPaths": ["/b"]}]}),
            json!({"to": [{"paths": ["/a"]}]}),
        ),
        (json!({"to": [{"paths": ["/a"]}]}), json!({})),
        (
            json!({"when": [{"key": "source.ip", "values": ["10.0.0.1"]}]}),
            json!({}),
        ),
        (
            json!({"when": [{"key": "source.ip", "values": ["10.0.0.1"]}]}),
            json!({"when": [{"key": "source.ip", "values": ["10.0.0.1", "10.0.0.2"]}]}),
        ),
        (json!({"notAfter": "2100-01-01T00:00:00Z"}), json!({})),
        (
            json!({"notAfter": "2100-01-01T00:00:00Z"}),
            json!({"notAfter": "2101-01-01T00:00:00Z"}),
        ),
        (json!({"notBefore": "2100-01-01T00:00:00Z"}), json!({})),
    ] {
        for (effect, reason) in [("Allow", GAINS), ("Deny", LOSES)] {
            let config = |more: &Value| of(&json!([rule(effect, more)]), &json!({}));
            let (few, many) = (config(&narrow), config(&wide));
            let (old, new) = if effect == "Allow" {
                (few, many)
            } else {
                (many, few)
            };
            assert_eq!(found(&old, &new), [reason], "{effect}: {old} {new}");
            assert_eq!(found(&new, &old), [""; 0], "{effect}: {new} {old}");
        }
    }
}

#[test]
fn compares_added_and_removed_rules() {
    let until = |end: &str| json!({"notAfter": end});
    let over = until("2026-05-01T00:00:00Z");
    let none = json!([]);
    for (old, new, expected) in [
        (
            json!([rule("Deny", &json!({}))]),
            none.clone(),
            &[LOSES][..],
        ),
        (
            json!([rule("Deny", &until("2100-01-01T00:00:00Z"))]),
            none.clone(),
            &[LOSES],
        ),
        // It has expired.
        (json!([rule("Deny", &over)]), none.clone(), &[]),
        (none.clone(), json!([rule("Allow", &over)]), &[]),
        (none.clone(), json!([rule("Deny", &json!({}))]), &[]),
        (none.clone(), json!([rule("Allow", &json!({}))]), &[GAINS]),
        (json!([rule("Allow", &json!({}))]), none.clone(), &[]),
        (
            json!([rule("Audit", &json!({}))]),
            json!([rule("Allow", &json!({}))]),
            &[GAINS],
        ),
        (
            json!([rule("Deny", &json!({}))]),
            json!([rule("Deny", &json!({"enforcement": "Shadow"}))]),
            &[LOSES],
        ),
        (
            json!([rule("Allow", &json!({"enforcement": "Shadow"}))]),
            json!([rule("Allow", &json!({}))]),
            &[GAINS],
        ),
        // It has another ID, owner and description.
        (
            json!([{"id": "was", "effect": "Deny", "owner": "a"}]),
            json!([{"id": "is", "effect": "Deny", "description": "b"}]),
            &[],
        ),
        // An `Allow` rule without `from` does not match callers without identity.
        (
            json!([rule("Allow", &json!({}))]),
            json!([rule("Allow", &json!({"from": [{"anonymous": true}]}))]),
            &[GAINS],
        ),
        (
            json!([rule("Allow", &json!({"from": [{"namespaces": ["a"]}]}))]),
            json!([rule(
                "Allow",
                &json!({"from": [{"clientCertificates": ["*"], "namespaces": ["a"]}]})
            )]),
            &[GAINS],
        ),
    ] {
        let config = |rules: &Value| of(rules, &json!({}));
        assert_eq!(found(&config(&old), &config(&new)), expected, "{old} {new}");
    }
}

#[test]
fn compares_settings_of_all_rules() {
    let allow = json!([rule("Allow", &json!({}))]);
    let with_follower = |rules: Value| json!({"coEnforced": [{"policy": {"namespace": "shop", "name": "all"}, "rules": rules}]});
    let deny = json!([rule("Deny", &json!({}))]);
    let nothing = json!({});
    for (old, new, expected) in [
        (
            nothing.clone(),
            json!({"enforcement": "Shadow"}),
            &["policy `shop/cart` is now in shadow"][..],
        ),
        // It let everything pass.
        (json!({"enforcement": "Shadow"}), nothing.clone(), &[]),
        // Requests that another policy did not allow.
        (
            json!({"enforcement": "Shadow", "mayBeLed": true}),
            json!({"mayBeLed": true}),
            &[GAINS],
        ),
        (
            nothing.clone(),
            json!({"otherwise": "Pass"}),
            &["`otherwise` of policy `shop/cart` changes from Deny to Pass"],
        ),
        (
            json!({"otherwise": "Pass"}),
            json!({"otherwise": "Pass", "meshOtherwise": "Pass"}),
            &["`meshOtherwise` changes from Deny to Pass"],
        ),
        (
            nothing.clone(),
            json!({"mesh": {"trustDomain": "cluster.local", "trustDomainAliases": ["old"]}}),
            &["the mesh accepts identities of other trust domains"],
        ),
        (
            nothing.clone(),
            json!({"mesh": {"trustDomain": "other"}}),
            &["the mesh accepts identities of other trust domains"],
        ),
        (
            json!({"knownGateways": ["unvalidated:edge/istio=gw"]}),
            json!({"knownGateways": ["edge/istio=gw"]}),
            &["it trusts more gateways to validate client certificates"],
        ),
        (
            with_follower(deny.clone()),
            with_follower(json!([])),
            &["policy `shop/all` no longer denies everything that its existing rule `r` denies"],
        ),
        (
            with_follower(deny),
            nothing.clone(),
            &["policy `shop/all` is no longer enforced"],
        ),
        (
            nothing.clone(),
            with_follower(allow.clone()),
            &[
                "no existing rule of policy `shop/all` allows everything that rendered rule `r` allows",
            ],
        ),
        (
            nothing.clone(),
            json!({"revision": "1", "mayBeLed": true}),
            &[],
        ),
    ] {
        let (old, new) = (of(&allow, &old), of(&allow, &new));
        assert_eq!(found(&old, &new), expected, "{old} {new}");
    }
}

#[test]
fn treats_an_unknown_config_as_possibly_stricter() {
    let new = of(&json!([]), &json!({}));
    let reasons = found(&of(&json!([]), &json!({"later": true})), &new);
    assert!(
        reasons.iter().any(|reason| reason
            .starts_with("the existing plugin config cannot be parsed (unknown field `later`")),
        "{reasons:?}"
    );
    assert_eq!(found(&json!(null), &new).len(), 1);
    let mut elsewhere = object(&new).value().clone();
    elsewhere["spec"]["selector"] = json!({});
    let elsewhere = Object::new(elsewhere).unwrap();
    let at = Timestamp::from_unix_nanoseconds(0);
    assert_eq!(
        wider(&object(&new), &elsewhere, "/spec", at),
        ["its `selector` changes, so it may no longer apply to some requests"]
    );
}
